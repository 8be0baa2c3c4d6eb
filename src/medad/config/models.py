"""What params.yaml may hold: strict, frozen, complete. Only the configuration imports this."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

Fraction = Annotated[float, Field(ge=0.0, le=1.0)]
Positive = Annotated[float, Field(gt=0.0)]
Count = Annotated[int, Field(ge=1)]
NonNegative = Annotated[float, Field(ge=0.0)]
Layer = Annotated[int, Field(ge=1, le=4)]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")]


class Model(BaseModel):
    """Base of every section: unknown keys and loose types are errors."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")


class Threads(Model):
    data: Count
    pairs: Count
    stage1: Count
    head: Count
    score: Count
    report: Count


class Runs(Model):
    tables: list[Name]
    figures: list[Name]
    datasets: Annotated[list[Name], Field(min_length=1)]
    splits: Annotated[list[Name], Field(min_length=1)]
    shots: Annotated[list[Count], Field(min_length=1)]
    replicates: Count
    first: Annotated[int, Field(ge=0)]

    @property
    def draws(self) -> list[int]:
        """Numbers of the replicates."""
        return list(range(self.first, self.first + self.replicates))


class Data(Model):
    root: str
    on_bad: Literal["stop", "skip"]


class Contrasts(Model):
    t1: Fraction
    t1c: Fraction
    t2: Fraction
    flair: Fraction

    @model_validator(mode="after")
    def _sum_to_one(self) -> Contrasts:
        if abs(self.t1 + self.t1c + self.t2 + self.flair - 1) > 1e-9:
            raise ValueError("frequencies must sum to 1")
        return self


class PhantomDataset(Model):
    reader: Literal["phantom"]
    healthy: Count
    anomalous: Count
    duplicates: Annotated[int, Field(ge=0)]
    side: Annotated[int, Field(ge=32)]
    contrasts: Contrasts

    @model_validator(mode="after")
    def _duplicates_leave_originals(self) -> PhantomDataset:
        if self.duplicates >= self.healthy:
            raise ValueError("duplicates must be fewer than healthy")
        return self


class FolderDataset(Model):
    reader: Literal["brain_mri", "busi", "folder"]
    root: str | None


Dataset = Annotated[PhantomDataset | FolderDataset, Field(discriminator="reader")]


class Image(Model):
    side: Annotated[int, Field(ge=32)]


class Leakage(Model):
    thumbnail: Annotated[int, Field(ge=8)]
    correlation: Fraction


class GroupedSplit(Model):
    pool: Fraction
    validation: Fraction

    @model_validator(mode="after")
    def _leaves_a_test_set(self) -> GroupedSplit:
        if self.pool + self.validation >= 1:
            raise ValueError("pool + validation must be below 1, so that healthy images are tested")
        return self


class PaperSplit(Model):
    pass


class AdfaSplit(Model):
    pool: Count
    test: Count


class Splits(Model):
    grouped: GroupedSplit
    paper: PaperSplit
    adfa: AdfaSplit


Architecture = Literal["resnet18", "resnet50", "wide_resnet50_2"]


class Pinned(Model):
    file: str
    sha256: Sha256


class Backbone(Model):
    name: Architecture
    weights: Literal["random", "imagenet", "file"]
    file: str | None
    sha256: Sha256 | None
    others: dict[Architecture, Pinned]

    @model_validator(mode="after")
    def _file_is_pinned(self) -> Backbone:
        if self.weights == "file" and (self.file is None or self.sha256 is None):
            raise ValueError("weights: file needs both `file` and its `sha256`")
        return self

    def source(self, name: str) -> dict[str, str | None]:
        """``file`` and ``sha256`` of the weights of one architecture; KeyError for one without."""
        if self.weights != "file":
            return {"file": None, "sha256": None}
        if name == self.name:
            return {"file": self.file, "sha256": self.sha256}
        return self.others[name].model_dump()  # type: ignore[index]


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
    dimensions: Count
    regularisation: Positive


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


class Detectors(Model):
    patchcore: PatchCore
    padim: Padim
    fanogan: FAnoGan
    ganomaly: Ganomaly
    efficientad: EfficientAD


class Override(Model):
    """Keys of the named sections that one method sets differently."""

    synthesis: dict[str, object] = {}
    stage1: dict[str, object] = {}
    detector: dict[str, object] = {}


class Method(Model):
    stage1: str
    synthesis: str
    detector: str
    standing: Literal["literal", "reading", "leaky", "ours"] = "ours"
    because: str = ""
    backbone: Architecture | None = None
    override: Override = Override()

    @model_validator(mode="after")
    def _stage1_has_pairs(self) -> Method:
        if (self.stage1 == "none") != (self.synthesis == "none"):
            raise ValueError("stage1 and synthesis go together: name both, or none for both")
        return self


class Evaluation(Model):
    maps: bool
    smoothing: NonNegative
    healthy_quantile: Annotated[float, Field(gt=0.0, lt=1.0)]
    resamples: Annotated[int, Field(ge=100)]
    confidence: Annotated[float, Field(gt=0.0, lt=1.0)]


class Config(Model):
    preset: str
    seed: Annotated[int, Field(ge=0)]
    device: Literal["auto", "cpu", "cuda"]
    max_memory: Count
    env_policy: Literal["recorded", "strict"]
    threads: Threads
    runs: Runs
    data: Data
    datasets: dict[Name, Dataset]
    image: Image
    leakage: Leakage
    splits: Splits
    backbone: Backbone
    synthesis: Synthesis
    stage1: Stage1
    detectors: Detectors
    methods: dict[Name, Method]
    evaluation: Evaluation

    def root_of(self, dataset: str) -> Path:
        """Folder or archive that holds the images of a dataset."""
        chosen = self.datasets[dataset]
        if isinstance(chosen, PhantomDataset):
            return Path("results/index") / dataset / "images.zip"
        return Path(chosen.root).expanduser() if chosen.root else Path(self.data.root) / dataset
