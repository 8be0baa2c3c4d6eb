"""Sections of params.yaml that methods name: synthesis, stage 1 and detectors."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from medad.config.base import Count, Fraction, Layer, Model, NonNegative, Positive, Sha256


class Elastic(Model):
    probability: Fraction
    alpha: NonNegative
    sigma: Positive


class Grid(Model):
    probability: Fraction
    steps: Count
    limit: Fraction


class Tone(Model):
    probability: Fraction
    brightness: Fraction
    contrast: Fraction


class ConsultSynthesis(Model):
    pairs: Count
    elastic: Elastic
    grid: Grid
    flip: Fraction
    tone: Tone
    translate: Fraction
    points: Annotated[int, Field(ge=3)]
    edgy: NonNegative
    radius: Positive
    shape: Literal["curve", "hull"]
    scale: Annotated[list[Positive], Field(min_length=2, max_length=2)]
    inside: Fraction
    fill: Literal["literal", "mu_sigma"]
    base: Literal["any", "original"]

    @model_validator(mode="after")
    def _scale_is_a_range(self) -> ConsultSynthesis:
        if not self.scale[0] <= self.scale[1] <= 1:
            raise ValueError("scale must be [low, high] with low <= high <= 1")
        return self


class TestImages(Model):
    unmasked: Literal["drop", "keep"]


class Synthesis(Model):
    consult: ConsultSynthesis
    test_images: TestImages


class Tritanh(Model):
    pull: Positive
    push: Positive
    m0: float
    m1: float


class Anchor(Model):
    pull: Positive
    push: Positive
    margin: float


class ConsultStage1(Model):
    epochs: Annotated[int, Field(ge=0)]
    steps_per_epoch: Count
    healthy: Count
    anomalous: Count
    learning_rate: Positive
    trainable: Literal["all", "attention"]
    activation: Literal["leaky_relu", "relu"]
    slope: NonNegative
    attention: Literal["block", "stage", "none"]
    placement: Literal["post_add", "pre_add"]
    attention_init: Literal["identity", "ordinary", "reference"]
    layers: Annotated[list[Layer], Field(min_length=1)]
    grid: Layer
    pool: Count
    normalise: bool
    distance: Literal["aligned", "nearest", "nearest_shots", "global"]
    squared: bool
    distance_scale: Literal["none", "initial"]
    push: Literal["mask", "all"]
    coverage: Fraction
    pull_background: bool
    contrast: Literal["tritanh", "anchor", "none"]
    tritanh: Tritanh
    anchor: Anchor
    similarity: Literal["l2", "squared", "none"]
    similarity_weight: NonNegative
    koleo: Literal["norm", "nearest", "none"]
    koleo_on: Literal["pooled", "anchor_patches"]
    koleo_weight: NonNegative
    interpolate: Fraction
    precision: Literal["float32", "bfloat16"]

    @model_validator(mode="after")
    def _consistent(self) -> ConsultStage1:
        if self.grid not in self.layers:
            raise ValueError(f"grid must be one of layers {self.layers}")
        if self.trainable == "attention" and self.attention == "none":
            raise ValueError("trainable: attention needs attention: block or stage")
        return self


class SupervisedStage1(Model):
    epochs: Annotated[int, Field(ge=0)]
    steps_per_epoch: Count
    batch: Annotated[int, Field(ge=2, multiple_of=2)]
    learning_rate: Positive
    depth: Literal[3, 4]
    activation: Literal["relu", "leaky_relu"]
    slope: NonNegative


class Stage1(Model):
    consult: ConsultStage1
    classification: SupervisedStage1
    segmentation: SupervisedStage1


class PatchCore(Model):
    layers: Annotated[list[Layer], Field(min_length=1)]
    pool: Count
    coreset: Annotated[float, Field(gt=0.0, le=1.0)]
    neighbors: Count
    reweight: bool
    smooth: NonNegative


class Padim(Model):
    layers: Annotated[list[Layer], Field(min_length=1)]
    align: Literal["nearest", "bilinear"]
    dimensions: Count
    regularisation: Positive
    smooth: NonNegative


class FAnoGan(Model):
    resolution: Annotated[int, Field(ge=32, multiple_of=16)]
    latent: Count
    epochs: Count
    encoder_epochs: Count
    batch: Count
    n_critic: Count
    critic_count: Literal["epoch", "run"]
    penalty: NonNegative
    kappa: NonNegative
    learning_rate: Positive
    beta1: Annotated[float, Field(ge=0.0, lt=1.0)]
    legacy: bool


class Ganomaly(Model):
    resolution: Literal[16, 32, 64, 128, 256]
    latent: Count
    features: Count
    epochs: Count
    batch: Count
    adversarial: NonNegative
    contextual: NonNegative
    encoding: NonNegative
    learning_rate: Positive
    beta1: Annotated[float, Field(ge=0.0, lt=1.0)]
    variant: Literal["paper", "anomalib"]

    @model_validator(mode="after")
    def _the_code_is_one_vector(self) -> Ganomaly:
        if self.variant == "anomalib" and self.resolution < 32:
            raise ValueError("variant: anomalib needs resolution 32 or more")
        return self


class Views(Model):
    crop: Annotated[float, Field(gt=0.0, le=1.0)]
    rotate: Annotated[float, Field(ge=0.0, le=180.0)]
    flip: Fraction
    tone: Fraction


class EfficientAD(Model):
    size: Literal["small", "medium"]
    width: Positive
    channels: Count
    teacher: Literal["distil", "file"]
    teacher_file: str | None
    teacher_sha256: Sha256 | None
    distil_steps: Count
    distil_batch: Count
    distil_on: Literal["shots", "images"]
    views: Views
    penalty: Literal["none", "images"]
    natural_images: str | None
    natural_sha256: Sha256 | None
    steps: Count
    learning_rate: Positive
    weight_decay: NonNegative
    hard: Annotated[float, Field(ge=0.0, lt=1.0)]
    jitter: Annotated[float, Field(ge=0.0, lt=1.0)]
    quantiles: Literal["shots", "held_out"]
    low: Fraction
    high: Fraction
    border: Literal["after", "before"]

    @model_validator(mode="after")
    def _consistent(self) -> EfficientAD:
        if self.teacher == "file" and (self.teacher_file is None or self.teacher_sha256 is None):
            raise ValueError("teacher: file needs both `teacher_file` and its `teacher_sha256`")
        natural = self.penalty == "images" or self.distil_on == "images"
        if natural and (self.natural_images is None or self.natural_sha256 is None):
            raise ValueError(
                "penalty: images and distil_on: images need both `natural_images` and its "
                "`natural_sha256`"
            )
        if not self.low < self.high:
            raise ValueError("low must be below high")
        return self


class Adfa(Model):
    layers: Annotated[list[Layer], Field(min_length=1)]
    pool: Count
    reduction: Count
    attention: NonNegative
    kernel: Count | Literal["adaptive"]
    pooling: Literal["both", "average", "maximum"]
    mode: Literal["paper", "code"]
    divergence: bool
    neighbors: Count
    operator: Literal["soft", "hard"]
    epsilon: Positive
    centres: Literal["mean", "batches"]
    image_score: Literal["maximum", "average"]
    smooth: NonNegative
    epochs: Count
    batch: Count
    learning_rate: Positive
    weight_decay: NonNegative

    @model_validator(mode="after")
    def _consistent(self) -> Adfa:
        if self.kernel != "adaptive" and self.kernel % 2 == 0:
            raise ValueError("kernel must be odd, or adaptive")
        if self.divergence and self.mode == "paper":
            raise ValueError("divergence needs mode: code")
        return self


class Spade(Model):
    layers: Annotated[list[Layer], Field(min_length=1)]
    image_layer: Layer
    neighbors: Count


class PatchSvdd(Model):
    channels: Count
    width: Positive
    epochs: Count
    repeats: Count
    batch: Count
    svdd: NonNegative
    fixed_classes: bool
    learning_rate: Positive
    combine: Literal["product", "sum", "large", "small"]


class Stpm(Model):
    layers: Annotated[list[Layer], Field(min_length=1)]
    epochs: Count
    batch: Count
    reduction: Literal["mean", "sum"]
    learning_rate: Positive
    momentum: Annotated[float, Field(ge=0.0, lt=1.0)]
    weight_decay: NonNegative


class Rdad(Model):
    epochs: Count
    batch: Count
    cosine: Literal["images", "positions"]
    learning_rate: Positive
    beta1: Annotated[float, Field(ge=0.0, lt=1.0)]
    beta2: Annotated[float, Field(ge=0.0, lt=1.0)]
    smooth: NonNegative


class Detectors(Model):
    patchcore: PatchCore
    padim: Padim
    spade: Spade
    adfa: Adfa
    patch_svdd: PatchSvdd
    stpm: Stpm
    rdad: Rdad
    fanogan: FAnoGan
    ganomaly: Ganomaly
    efficientad: EfficientAD
