"""What part of an image the methods see, and how large: resized, and perhaps cropped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from medad.data.images import load, load_mask, square
from medad.errors import MedadError

Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Frame:
    """A square of ``side`` pixels.

    Without ``resize`` it is the whole image, whose aspect ratio is not kept. With it, the image is
    brought to a square of ``resize`` pixels (``fit`` square), or its shorter side is (``fit``
    shorter, which keeps the aspect ratio), and the frame is the centre of that.
    """

    side: int
    resize: int | None = None
    fit: Literal["square", "shorter"] = "square"

    @classmethod
    def of(cls, params: Mapping[str, Any]) -> Frame:
        """From a mapping that has ``side``, and may have the others."""
        resize = params.get("resize")
        return cls(
            int(params["side"]),
            None if resize is None else int(resize),
            params.get("fit", "square"),
        )

    def __post_init__(self) -> None:
        if self.resize is not None and self.resize < self.side:
            raise MedadError(
                f"image.resize: got {self.resize}, allowed: side ({self.side}) or more, or null"
            )
        if self.fit not in ("square", "shorter"):
            raise MedadError(f"image.fit: got {self.fit!r}, allowed: square, shorter")

    @property
    def name(self) -> str:
        """For file names: different frames have different ones."""
        return str(self.side) if self.resize is None else f"{self.side}-{self.resize}{self.fit}"

    def size(self, height: int, width: int) -> tuple[int, int]:
        """Height and width to which an image is resized before the centre is taken."""
        if self.resize is None:
            return self.side, self.side
        if self.fit == "square":
            return self.resize, self.resize
        shorter = min(height, width)
        # Whole pixels, the rest cut off, as torchvision's Resize has it.
        return self.resize * height // shorter, self.resize * width // shorter

    def window(self, height: int, width: int) -> tuple[float, float, float, float]:
        """Top, left, bottom and right of the frame, as fractions of an image of this size."""
        large = self.size(height, width)
        (top, bottom), (left, right) = (self._middle(one) for one in large)
        return top / large[0], left / large[1], bottom / large[0], right / large[1]

    def _middle(self, length: int) -> tuple[int, int]:
        begin = (length - self.side) // 2
        return begin, begin + self.side

    def cut(self, pixels: Pixels) -> Pixels:
        """(side, side[, C]) of (H, W[, C]): axes shrink by area, then grow linearly."""
        return self._centre(square(pixels, self.size(*pixels.shape[:2])))

    def cut_mask(self, mask: Pixels) -> Pixels:
        """(side, side) of a mask (H, W), by nearest pixel."""
        import cv2

        height, width = self.size(*mask.shape)
        large = cv2.resize(mask, (width, height), interpolation=cv2.INTER_NEAREST_EXACT)
        return self._centre(np.asarray(large, np.uint8))

    def _centre(self, large: Pixels) -> Pixels:
        (top, bottom), (left, right) = (self._middle(one) for one in large.shape[:2])
        return np.ascontiguousarray(large[top:bottom, left:right])


def load_frame(root: Any, path: str, sha256: str, frame: Frame) -> Pixels:
    """RGB uint8 (side, side, 3) of one image whose content must have this sha256."""
    return frame.cut(load(root, path, sha256))


def load_mask_frame(root: Any, path: str, sha256: str, frame: Frame) -> Pixels:
    """Lesion mask uint8 (side, side), 1 inside, of a file whose content must have this sha256."""
    return frame.cut_mask(load_mask(root, path, sha256))
