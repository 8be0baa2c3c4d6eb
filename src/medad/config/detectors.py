"""Sections of params.yaml under ``detectors``: stage 2, one section a detector."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from medad.config.base import Count, Fraction, Layer, Model, NonNegative, Positive, Sha256


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
    cost: Literal["image", "row", "batch"]
    centres: Literal["mean", "batches"]
    score_operator: Literal["same", "soft", "hard"]
    image_score: Literal["maximum", "average", "divergence"]
    smooth: NonNegative
    order: Literal["mixed", "listed"]
    epochs: Annotated[int, Field(ge=0)]
    batch: Count
    learning_rate: Positive
    weight_decay: NonNegative

    @model_validator(mode="after")
    def _consistent(self) -> Adfa:
        if self.kernel != "adaptive" and self.kernel % 2 == 0:
            raise ValueError(f"kernel: got {self.kernel}, allowed: odd sizes, or adaptive")
        if self.divergence and self.mode == "paper":
            raise ValueError("divergence needs mode: code")
        if self.cost == "batch" and self.mode == "paper":
            raise ValueError("cost: batch needs mode: code")
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
