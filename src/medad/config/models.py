"""What params.yaml may hold: strict, frozen, complete. Only the configuration imports this."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from medad.backbones.spec import Normalisation
from medad.config.base import Count, Fraction, Model, Name, NonNegative, Sha256
from medad.config.detectors import Detectors
from medad.config.sections import Stage1, Synthesis
from medad.shot_counts import FULL


class Threads(Model):
    data: Count
    pairs: Count
    stage1: Count
    head: Count
    score: Count
    report: Count


# K, or "full": all healthy images of the pool.
ShotCount = Annotated[Count, BeforeValidator(lambda value: FULL if value == "full" else value)]


class Runs(Model):
    tables: list[Name]
    figures: list[Name]
    datasets: Annotated[list[Name], Field(min_length=1)]
    splits: Annotated[list[Name], Field(min_length=1)]
    shots: Annotated[list[ShotCount], Field(min_length=1)]
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
    reader: Literal["brain_mri", "busi", "covid_xray", "sipakmed", "folder"]
    root: str | None


Dataset = Annotated[PhantomDataset | FolderDataset, Field(discriminator="reader")]


class Image(Model):
    side: Annotated[int, Field(ge=32)]
    resize: Annotated[int, Field(ge=32)] | None
    fit: Literal["square", "shorter"]

    @model_validator(mode="after")
    def _the_frame_is_inside(self) -> Image:
        if self.resize is not None and self.resize < self.side:
            raise ValueError(f"resize must be side ({self.side}) or more, or null")
        return self


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


class Numbers(Model):
    pool: Count
    test: Count
    anomalous: Count | None
    files: Literal["apart", "drawn", "first", "parts"]


class AdfaSplit(Model):
    numbers: dict[Name, Numbers]


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
    normalisation: Normalisation
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


class Override(Model):
    """Keys of the named sections that one method sets differently."""

    synthesis: dict[str, object] = Field(default_factory=dict)
    stage1: dict[str, object] = Field(default_factory=dict)
    detector: dict[str, object] = Field(default_factory=dict)


class Method(Model):
    stage1: str
    synthesis: str
    detector: str
    standing: Literal["literal", "reading", "leaky", "ours"] = "ours"
    because: str = ""
    backbone: Architecture | None = None
    weights: Literal["random"] | None = None
    normalisation: dict[Name, Normalisation] = Field(default_factory=dict)
    own_pairs: bool = False
    override: Override = Override()

    @model_validator(mode="after")
    def _stage1_has_pairs(self) -> Method:
        if (self.stage1 == "none") != (self.synthesis == "none"):
            raise ValueError("stage1 and synthesis go together: name both, or none for both")
        if self.own_pairs and self.synthesis == "none":
            raise ValueError("own_pairs: the method has no synthesis")
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

    def normalisation_of(self, method: str, dataset: str) -> Normalisation:
        """How the pixels are normalised that a method's backbone is given on a data set."""
        return self.methods[method].normalisation.get(dataset, self.backbone.normalisation)

    def root_of(self, dataset: str) -> Path:
        """Folder or archive that holds the images of a dataset."""
        chosen = self.datasets[dataset]
        if isinstance(chosen, PhantomDataset):
            return Path("results/index") / dataset / "images.zip"
        return Path(chosen.root).expanduser() if chosen.root else Path(self.data.root) / dataset
