"""Lesions that no training here makes, to judge readings of a method on healthy shots alone.

Four families, all soft-edged and inside the brain: a bright or dark ``blob``, a feathered
``patch`` of another image, a local ``warp`` as of a mass that pushes tissue aside, and a coarser
``texture``. None fills an outline with noise, which is what CONSULT trains on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from medad.errors import MedadError

AREA = (0.005, 0.10)
"""Least and largest part of the image that a lesion covers."""

Image = npt.NDArray[np.uint8]
Field = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Region:
    """Where a lesion is.

    ``mask`` (H, W) bool: its pixels. ``weight`` (H, W) in [0, 1]: 1 in the middle, falling
    smoothly to 0 at the edge and 0 outside. ``radius`` (H, W): distance to ``centre`` (x, y in
    pixels) as a fraction of the edge's in that direction, at least 0. ``reach``: largest distance
    of the edge, pixels.
    """

    mask: npt.NDArray[np.bool_]
    weight: Field
    radius: Field
    centre: tuple[int, int]
    reach: float


def draw_region(brain: npt.NDArray[np.bool_], rng: np.random.Generator) -> Region:
    """A wobbly disc inside ``brain``, bool (H, W), that covers a part of the image in ``AREA``.

    The covered part is log-uniform and shrinks until there is room. Raises MedadError when the
    brain is too thin even for the smallest.
    """
    share = float(np.exp(rng.uniform(np.log(1.2 * AREA[0]), np.log(0.8 * AREA[1]))))
    phases, softness = rng.uniform(0, 2 * np.pi, 3), float(rng.uniform(0.4, 1.0))
    wobble = rng.normal(0, 0.08, 3)
    # One pixel of frame counts as outside, so that no lesion touches the border.
    depth = cv2.distanceTransform(np.pad(brain.astype(np.uint8), 1), cv2.DIST_L2, 5)[1:-1, 1:-1]
    place = rng.random()
    while share > AREA[0]:
        size = np.sqrt(share * brain.size / np.pi)
        reach = float(size * (1 + np.abs(wobble).sum()))
        rows, columns = np.nonzero(depth > reach + 1)
        if len(rows):
            chosen = int(place * len(rows))
            region = _region(
                brain, (int(columns[chosen]), int(rows[chosen])), size, wobble, phases, softness
            )
            if AREA[0] <= region.mask.mean() <= AREA[1]:
                return region
        share *= 0.95
    raise MedadError(
        f"no lesion of {AREA[0]:.1%} of the image fits into the brain of this image; leave it out "
        "of the healthy pool"
    )


def _region(
    brain: npt.NDArray[np.bool_],
    centre: tuple[int, int],
    size: float,
    wobble: Field,
    phases: Field,
    softness: float,
) -> Region:
    rows, columns = np.indices(brain.shape)
    dx, dy = columns - centre[0], rows - centre[1]
    angle = np.arctan2(dy, dx)
    edge = np.ones(brain.shape)
    for order, (amount, phase) in enumerate(zip(wobble, phases, strict=True), 2):
        edge += amount * np.cos(order * angle + phase)
    edge = size * np.clip(edge, 0.3, None)
    radius = np.hypot(dx, dy) / edge
    inner = np.clip((1 - radius) / softness, 0, 1)
    weight = inner * inner * (3 - 2 * inner) * brain
    return Region(weight > 0, weight, radius, centre, float(edge.max()))


def add_lesion(
    image: Image,
    brain: npt.NDArray[np.bool_],
    family: str,
    contrast: float,
    others: Sequence[Image],
    rng: np.random.Generator,
) -> tuple[Image, npt.NDArray[np.bool_]]:
    """A copy of ``image`` with one lesion of ``family``, and the mask (H, W) of its pixels.

    ``image`` and each of ``others``: uint8 (H, W) or (H, W, 3). Outside the mask nothing changes.
    ``contrast`` > 0, by family: ``blob``: change of intensity as a fraction of the brain's range
    (percentiles 2 to 98); ``patch``: opacity, which above 1 exaggerates the difference; ``warp``:
    what is at radius r, 1 at the edge, comes from r ** (1 + contrast); ``texture``: how much of
    the local detail is added. Raises MedadError for another family and when the lesion finds no
    room.
    """
    if family not in FAMILIES:
        raise MedadError(f"lesion family: got {family!r}, allowed: {', '.join(FAMILIES)}")
    region = draw_region(brain, rng)
    values = image.astype(np.float64)
    changed = FAMILIES[family](values, brain, region, contrast, others, rng)
    result = np.clip(np.rint(changed), 0, 255).astype(np.uint8)
    result[~region.mask] = image[~region.mask]
    return result, region.mask


def _blob(
    image: Field,
    brain: npt.NDArray[np.bool_],
    region: Region,
    contrast: float,
    others: Sequence[Image],
    rng: np.random.Generator,
) -> Field:
    """Brighter or darker by a smooth bump."""
    low, high = np.percentile(image[brain], (2, 98))
    step = contrast * (high - low) * rng.choice((-1.0, 1.0))
    if not 0 <= image[region.mask].mean() + step <= 255:
        step = -step  # the other way there is room to be seen
    return np.asarray(image + _like(region.weight, image) * step)


def _patch(
    image: Field,
    brain: npt.NDArray[np.bool_],
    region: Region,
    contrast: float,
    others: Sequence[Image],
    rng: np.random.Generator,
) -> Field:
    """A turned piece of another image, taken from the middle half of its frame."""
    other = others[int(rng.integers(len(others)))].astype(np.float32)
    height, width = image.shape[:2]
    x, y = rng.uniform(0.25, 0.75, 2) * (width, height)
    turn = cv2.getRotationMatrix2D((float(x), float(y)), float(rng.uniform(0, 360)), 1.0)
    turn[:, 2] += np.array(region.centre) - (x, y)
    piece = cv2.warpAffine(other, turn, (width, height), borderMode=cv2.BORDER_REFLECT_101)
    return np.asarray(image + contrast * _like(region.weight, image) * (piece - image))


def _warp(
    image: Field,
    brain: npt.NDArray[np.bool_],
    region: Region,
    contrast: float,
    others: Sequence[Image],
    rng: np.random.Generator,
) -> Field:
    """What lay at radius r ** (1 + c) is now at r: swollen in the middle, squeezed at the edge."""
    rows, columns = np.indices(region.radius.shape)
    pull = np.clip(region.radius, 0, 1) ** contrast
    x = region.centre[0] + (columns - region.centre[0]) * pull
    y = region.centre[1] + (rows - region.centre[1]) * pull
    moved = cv2.remap(
        image.astype(np.float32), x.astype(np.float32), y.astype(np.float32), cv2.INTER_LINEAR
    )
    return np.asarray(moved, np.float64)


def _texture(
    image: Field,
    brain: npt.NDArray[np.bool_],
    region: Region,
    contrast: float,
    others: Sequence[Image],
    rng: np.random.Generator,
) -> Field:
    """Detail of 1.2 % of the side and finer, exaggerated.

    Not blurred: smoother tissue is nearer to everything else, and the unadapted backbone finds it
    in no dose (S1 .3 to .55 with all detail taken away), so it could not be calibrated.
    """
    side = np.sqrt(region.mask.size)
    detail = image - cv2.GaussianBlur(image, (0, 0), 0.012 * side)
    return np.asarray(image + contrast * _like(region.weight, image) * detail)


def _like(weight: Field, image: npt.NDArray[Any]) -> Field:
    """A weight for every channel."""
    return weight if image.ndim == 2 else weight[..., None]


FAMILIES: dict[str, Callable[..., Field]] = {
    "blob": _blob,
    "patch": _patch,
    "warp": _warp,
    "texture": _texture,
}
