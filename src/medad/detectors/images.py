"""What a detector is that trains its own networks on the images, and reads no trunk's features."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from medad.detectors.scores import Scores
from medad.detectors.training import Training

Images = NDArray[np.uint8]  # (N, side, side, 3), RGB


class ImageDetector(Protocol):
    """Learns from K healthy images and scores others; see ``Detector`` for what both promise.

    The score of an image is the same, to the last bit, alone and in any batch.
    """

    @classmethod
    def of(cls, params: Mapping[str, Any], device: str = "cpu") -> Self:
        """From a mapping that has the detector's keys of ``params.yaml`` and ``side``."""
        ...

    def fit(self, images: Images, training: Training) -> None:
        """Train on the K images of a draw; resumes from ``training.folder``."""
        ...

    def score(self, images: Images) -> Scores:
        """Score N images."""
        ...

    def state(self) -> dict[str, Tensor]:
        """What was learned, as tensors for safetensors; ``history/<term>`` are its curves."""
        ...

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Restore ``state()``; scores are then equal to the last bit."""
        ...
