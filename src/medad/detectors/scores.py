"""What detectors return, and what a detector is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from medad.detectors.training import Training
from medad.room import Room

Pyramid = Mapping[int, Tensor]  # layer -> (N, C, h, w) float32


@dataclass(frozen=True)
class Scores:
    """Anomaly scores of N images; higher is more anomalous, unbounded.

    ``image``: (N,) float64. ``maps``: (N, h, w) float32 on the patch grid, neither enlarged nor
    smoothed, or None for a detector that has none.
    """

    image: NDArray[np.float64]
    maps: NDArray[np.float32] | None

    @classmethod
    def join(cls, parts: Sequence[Scores]) -> Scores:
        """The scores of several batches as those of one, in order."""
        maps = [part.maps for part in parts if part.maps is not None]
        joined = np.concatenate(maps) if len(maps) == len(parts) else None
        return cls(np.concatenate([part.image for part in parts]), joined)

    def take(self, rows: NDArray[np.int64]) -> Scores:
        """The scores of these images, in this order."""
        return Scores(self.image[rows], None if self.maps is None else self.maps[rows])


class Detector(Protocol):
    """Learns from a pyramid of healthy images and scores others.

    The score of an image is the same, to the last bit, alone and in any batch. Every method
    raises MedadError on NaN or infinite features.
    """

    layers: tuple[int, ...]

    @classmethod
    def of(cls, params: Mapping[str, Any], device: str = "cpu") -> Self:
        """From a mapping that has the detector's keys of ``params.yaml``, and may have others."""
        ...

    def fit(self, pyramid: Pyramid, rng: np.random.Generator, room: Room | None = None) -> None:
        """Learn from the features of K healthy images; ``room`` is for what it keeps meanwhile."""
        ...

    def score(self, pyramid: Pyramid) -> Scores:
        """Score the features of N images."""
        ...

    def state(self) -> dict[str, Tensor]:
        """What was learned, as tensors for safetensors."""
        ...

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Restore ``state()``; scores are then equal to the last bit."""
        ...


class TrainedDetector(Protocol):
    """As ``Detector``, but it trains, and its images may be scored some at a time.

    ``together``: how many images, in their order, have scores that depend on each other; 1 when an
    image has the same score, to the last bit, alone and in any batch. ``mixed``: whether that order
    is to be one that knows nothing of labels.
    """

    layers: tuple[int, ...]
    together: int
    mixed: bool

    @classmethod
    def of(cls, params: Mapping[str, Any], device: str = "cpu") -> Self:
        """From a mapping that has the detector's keys of ``params.yaml`` and ``side``."""
        ...

    def fit(self, pyramid: Pyramid, training: Training, room: Room | None = None) -> None:
        """Train on the features of K healthy images; resumes from ``training.folder``."""
        ...

    def score(self, pyramid: Pyramid) -> Scores:
        """Score the features of N images."""
        ...

    def state(self) -> dict[str, Tensor]:
        """What was learned, as tensors for safetensors; ``history/<term>`` are its curves."""
        ...

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Restore ``state()``; scores are then equal to the last bit."""
        ...
