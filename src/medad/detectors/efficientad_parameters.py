"""What EfficientAD is fitted with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self, get_args

from medad.detectors import require
from medad.detectors.alterations import Views
from medad.detectors.keys import taken
from medad.detectors.pdn import LEAST_SIDE, SIZES
from medad.errors import MedadError

Teacher = Literal["distil", "file"]
Quantiles = Literal["shots", "held_out"]
Border = Literal["after", "before"]


@dataclass(frozen=True)
class EfficientADParameters:
    """Keys of ``detectors.efficientad``, and the ``side`` of the images in pixels.

    ``size``: of the patch description networks, small or medium, and ``width``, their inner
    channels as a fraction of the paper's. ``channels``: what the teacher says of a patch.
    ``teacher``: ``file``, of ``teacher_sha256``, or ``distil``, from a trunk by ``distil_steps``
    Adam steps over ``distil_batch`` images of ``distil_on``: ``views`` of the shots, or natural
    images. ``penalty``: none, or images, natural ones on which the student is to say nothing.
    ``natural_sha256``: of the zip of natural images. ``steps``: of student and auto-encoder.
    ``learning_rate`` and ``weight_decay``: of every Adam. ``hard``: quantile above which the
    student's errors count. ``jitter``: strength of the auto-encoder's. ``quantiles``: of the maps
    of the ``shots``, or of a tenth ``held_out``. ``low`` and ``high``: those that become 0 and .1.
    ``border``: maps are padded with zeros ``before`` or ``after`` quantiles.
    """

    side: int
    size: str
    width: float
    channels: int
    teacher: Teacher
    teacher_sha256: str | None
    distil_steps: int
    distil_batch: int
    distil_on: Literal["shots", "images"]
    views: Views
    penalty: Literal["none", "images"]
    natural_sha256: str | None
    steps: int
    learning_rate: float
    weight_decay: float
    hard: float
    jitter: float
    quantiles: Quantiles
    low: float
    high: float
    border: Border

    @classmethod
    def of(cls, params: Mapping[str, Any]) -> Self:
        """From a mapping that has these keys, and may have others."""
        return cls(**{**taken(cls, params), "views": Views(**params["views"])})

    def __post_init__(self) -> None:
        if self.side < LEAST_SIDE:
            raise MedadError(
                f"image.side: got {self.side}, EfficientAD needs {LEAST_SIDE} pixels or more"
            )
        require.one_of(
            self,
            size=SIZES,
            teacher=get_args(Teacher),
            distil_on=("shots", "images"),
            penalty=("none", "images"),
            quantiles=get_args(Quantiles),
            border=get_args(Border),
        )
        require.counts(self, "channels", "distil_steps", "distil_batch", "steps")
        require.above_zero(self, "width", "learning_rate")
        require.zero_or_more(self, "weight_decay")
        require.below_one(self, "hard", "jitter")
        if not 0 <= self.low < self.high <= 1:
            raise MedadError(
                f"low and high: got {self.low} and {self.high}, allowed: 0 <= low < high <= 1"
            )
        if self.teacher == "file" and self.teacher_sha256 is None:
            raise MedadError("teacher: file needs `teacher_file` and its `teacher_sha256`")
        if self.natural and self.natural_sha256 is None:
            raise MedadError(
                "penalty: images and distil_on: images need `natural_images`, a zip, and its "
                "`natural_sha256`; or set penalty to none and distil_on to shots"
            )

    @property
    def natural(self) -> bool:
        """Whether a zip of natural images is read."""
        return "images" in (self.penalty, self.distil_on)
