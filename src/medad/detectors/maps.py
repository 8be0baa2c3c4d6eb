"""Anomaly maps from the patch grid of a detector to the pixels of the image."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from medad.errors import MedadError

TRUNCATE = 4.0  # the Gaussian is cut at this many sigma, as scipy and anomalib do


def upsample(maps: NDArray[Any], side: int, smoothing: float) -> NDArray[np.float32]:
    """Patch-grid maps (n, h, w) to pixels (n, side, side), float32, same units.

    Bilinear with half-pixel centres (``align_corners=False``), then a Gaussian of ``smoothing``
    pixels, cut at 4 sigma, with the border mirrored about its edge pixels; 0 smooths nothing.
    """
    if maps.ndim != 3:
        raise MedadError(f"anomaly maps: got shape {maps.shape}, allowed: (n, h, w)")
    result = np.empty((len(maps), side, side), np.float32)
    width = 2 * int(TRUNCATE * smoothing + 0.5) + 1
    for row, grid in enumerate(maps):
        pixels = cv2.resize(grid.astype(np.float32), (side, side), interpolation=cv2.INTER_LINEAR)
        if smoothing > 0:
            pixels = cv2.GaussianBlur(
                pixels,
                (width, width),
                sigmaX=smoothing,
                sigmaY=smoothing,
                borderType=cv2.BORDER_REFLECT_101,
            )
        result[row] = pixels
    return result
