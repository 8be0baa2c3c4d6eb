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

    Bilinear with half-pixel centres (``align_corners=False``), then ``smooth``.
    """
    if maps.ndim != 3:
        raise MedadError(f"anomaly maps: got shape {maps.shape}, allowed: (n, h, w)")
    result = np.empty((len(maps), side, side), np.float32)
    for row, grid in enumerate(maps):
        result[row] = smooth(resize(grid.astype(np.float32), (side, side)), smoothing)
    return result


def resize(grid: NDArray[Any], size: tuple[int, int]) -> NDArray[Any]:
    """One map (h, w) on another grid (height, width).

    Bilinear with half-pixel centres where it grows; means of what a cell covers where it shrinks.
    """
    shrinks = size[0] < grid.shape[0]
    how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(grid, size[::-1], interpolation=how))


def smooth(pixels: NDArray[Any], sigma: float) -> NDArray[Any]:
    """One map (h, w) after a Gaussian of ``sigma`` pixels; 0 smooths nothing.

    It is cut at 4 sigma, and the border is mirrored about its edge pixels.
    """
    if not sigma > 0:
        return pixels
    width = 2 * int(TRUNCATE * sigma + 0.5) + 1
    blurred = cv2.GaussianBlur(
        pixels, (width, width), sigmaX=sigma, sigmaY=sigma, borderType=cv2.BORDER_REFLECT_101
    )
    return np.asarray(blurred)
