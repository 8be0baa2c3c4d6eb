"""Which test images of a cell are worth seeing: the clearest, the missed and the false alarms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medad.evaluation.scores import Scores
from medad.reporting.examples import percentile_ranks

EACH = 4  # images of a kind: 8 of the best, 8 of the worst
KINDS = {
    "hit": ("Hits", "anomalous images with the highest scores"),
    "miss": ("Misses", "anomalous images with the lowest scores"),
    "alarm": ("False alarms", "healthy images with the highest scores"),
    "clean": ("Clean", "healthy images with the lowest scores"),
}


@dataclass(frozen=True)
class Standing:
    """A test image over the draws of a cell: its mean percentile (100 is most anomalous)."""

    path: str
    label: int
    group: int
    percentile: float


def ranks(scores: NDArray[np.float64]) -> NDArray[np.int64]:
    """1 for the most anomalous; equal scores share the best rank of theirs."""
    return np.asarray(1 + len(scores) - np.searchsorted(np.sort(scores), scores, "right"))


def standings(draws: Sequence[Scores]) -> list[Standing]:
    """Every test image of any draw, by path."""
    found: dict[str, list[float]] = {}
    about: dict[str, tuple[int, int]] = {}
    for draw in draws:
        test = draw.take(draw.rows("test"))
        for path, label, group, percentile in zip(
            test.path.tolist(),
            test.label.tolist(),
            test.group.tolist(),
            percentile_ranks(test.score).tolist(),
            strict=True,
        ):
            found.setdefault(path, []).append(percentile)
            about[path] = (label, group)
    return [
        Standing(path, *about[path], float(np.mean(values)))
        for path, values in sorted(found.items())
    ]


def choose(images: Sequence[Standing], each: int) -> Mapping[str, list[Standing]]:
    """The most extreme images of every kind of ``KINDS``, most extreme first.

    Near copies (one leakage group) are shown once, and few images of a class are shared out evenly.
    """
    found: dict[str, list[Standing]] = {}
    for label, high, low in ((1, "hit", "miss"), (0, "alarm", "clean")):
        rising = sorted(
            (image for image in images if image.label == label),
            key=lambda image: (image.percentile, image.path),
        )
        falling = _distinct(rising[::-1], set())
        # The odd one of few images goes to the higher end, so that a single image is shown at all.
        upper = min(each, len(falling) - min(each, len(falling) // 2))
        found[high] = falling[:upper]
        found[low] = _distinct(rising, {image.group for image in found[high]})[:each]
    return found


def _distinct(images: Sequence[Standing], taken: set[int]) -> list[Standing]:
    """The first image of every leakage group that is not ``taken``."""
    first: dict[int, Standing] = {}
    for image in images:
        if image.group not in taken:
            first.setdefault(image.group, image)
    return list(first.values())
