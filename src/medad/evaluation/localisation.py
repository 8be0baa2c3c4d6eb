"""How well anomaly maps find lesions: pixel AUROC, PRO, Dice and IoU.

Maps (n, side, side) are those of ``medad.detectors.maps.upsample``. Masks (n, side, side) are
boolean and all false for healthy images.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from medad.errors import MedadError
from medad.evaluation.auroc import auroc


def pixel_auroc(maps: NDArray[np.float32], masks: NDArray[np.bool_]) -> float:
    """Exact AUROC in [0, 1] of all pixels of all images together, maps and masks (n, H, W)."""
    _same_shape(maps, masks)
    return auroc(masks, maps)


def pro(maps: NDArray[np.float32], masks: NDArray[np.bool_], limit: float = 0.3) -> float:
    """Per-region overlap in [0, 1], integrated over false positive rates up to ``limit``.

    Bergmann et al. (2021, MVTec AD, section 5.2): the overlap is averaged over the connected
    components (8 neighbours) of all masks of the set, the rate is that of all lesion-free pixels,
    and the area is divided by ``limit``. Exact: the curve has one vertex per distinct value.
    Random maps give ``limit`` / 2. Raises MedadError when a mask pixel or a lesion-free pixel is
    missing altogether.
    """
    _same_shape(maps, masks)
    if np.isnan(maps).any():
        raise MedadError("PRO: the anomaly maps contain NaN; the detector has failed")
    healthy = np.sort(maps[~masks])
    lesion, share = maps[masks], _region_shares(masks)
    if not healthy.size or not lesion.size:
        raise MedadError(
            f"PRO needs both kinds of pixels: got {lesion.size} in lesions, {healthy.size} outside"
        )
    # Seen from one lesion pixel the overlap is 0 up to the rate `start` (lesion-free pixels
    # above it), rises linearly over those equal to it, and is 1 from `end` on. Its area up to the
    # limit is closed form, and the curve is the sum over pixels.
    start = 1.0 - np.searchsorted(healthy, lesion, "right") / healthy.size
    end = 1.0 - np.searchsorted(healthy, lesion, "left") / healthy.size
    risen = np.clip(limit - start, 0.0, end - start)
    ramp = np.divide(risen**2, 2 * (end - start), out=np.zeros_like(risen), where=end > start)
    area = ramp + np.clip(limit - end, 0.0, None)
    return float((share * area).sum() / limit)


def _region_shares(masks: NDArray[np.bool_]) -> NDArray[np.float64]:
    """For every mask pixel, in C order: 1 / (pixels of its component x number of components)."""
    shares: list[NDArray[np.float64]] = []
    regions = 0
    for mask in masks:
        if not mask.any():
            continue
        count, labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
        inside = np.asarray(labels)[mask]
        shares.append(1.0 / np.bincount(inside, minlength=count)[inside])
        regions += count - 1  # the background is a label too
    return np.concatenate(shares) / regions if shares else np.empty(0)


def overlap(
    maps: NDArray[np.float32], masks: NDArray[np.bool_], threshold: float
) -> tuple[float, float]:
    """Mean Dice and mean IoU, in [0, 1], of map > ``threshold`` over the images with a mask.

    The threshold must come from healthy images. Raises MedadError when no image has a mask.
    """
    _same_shape(maps, masks)
    size = masks.sum(axis=(1, 2))
    with_mask = size > 0
    if not with_mask.any():
        raise MedadError("Dice and IoU need at least one image with a lesion mask")
    found = maps[with_mask] > threshold
    common = (found & masks[with_mask]).sum(axis=(1, 2))
    total = found.sum(axis=(1, 2)) + size[with_mask]
    return float((2 * common / total).mean()), float((common / (total - common)).mean())


def _same_shape(maps: NDArray[Any], masks: NDArray[Any]) -> None:
    if maps.shape != masks.shape or maps.ndim != 3:
        raise MedadError(f"maps {maps.shape} and masks {masks.shape} must both be (n, H, W)")
