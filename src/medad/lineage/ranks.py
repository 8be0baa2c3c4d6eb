"""How the ranking of the tested images moved between two files of scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medad.errors import MedadError
from medad.evaluation.auroc import auroc

COLUMNS = ("path", "label", "role", "score")
Columns = Mapping[str, Sequence[Any]]


@dataclass(frozen=True)
class Moved:
    """One image: ``old`` and ``new`` are its ranks, 1 the most anomalous, means where tied."""

    path: str
    label: int
    old: float
    new: float


@dataclass(frozen=True)
class Movement:
    """Of the images tested in both: Spearman's correlation, and those that moved most.

    ``auroc`` is that of each file over all its tested images; None where it is not defined, as is
    ``spearman`` for fewer than two images or when all scores of one file are equal.
    """

    common: int
    only_a: int
    only_b: int
    spearman: float | None
    auroc: tuple[float | None, float | None]
    moved: tuple[Moved, ...]


def movement(old: Columns, new: Columns, most: int = 5) -> Movement:
    """Compare two files of scores (``COLUMNS``, equally long), at most ``most`` images named."""
    one, two = _tested(old), _tested(new)
    paths = sorted(one.keys() & two.keys())
    left = ranks([-one[path][1] for path in paths])
    right = ranks([-two[path][1] for path in paths])
    shift = np.abs(left - right)
    order = sorted(range(len(paths)), key=lambda i: (-shift[i], paths[i]))
    return Movement(
        common=len(paths),
        only_a=len(one) - len(paths),
        only_b=len(two) - len(paths),
        spearman=_correlation(left, right),
        auroc=(_auroc(one), _auroc(two)),
        moved=tuple(
            Moved(paths[i], two[paths[i]][0], float(left[i]), float(right[i]))
            for i in order[:most]
            if shift[i] > 0
        ),
    )


def ranks(values: Sequence[float]) -> NDArray[np.float64]:
    """Ranks (n,) from 1 for the lowest; equal values share the mean of theirs."""
    found = np.asarray(values, np.float64)
    ordered = np.sort(found)
    below = np.searchsorted(ordered, found, "left")
    upto = np.searchsorted(ordered, found, "right")
    return np.asarray((below + upto + 1) / 2, np.float64)


def _tested(scores: Columns) -> dict[str, tuple[int, float]]:
    rows = zip(*(scores[name] for name in COLUMNS), strict=True)
    return {path: (label, score) for path, label, role, score in rows if role == "test"}


def _correlation(left: NDArray[np.float64], right: NDArray[np.float64]) -> float | None:
    if left.size < 2 or np.ptp(left) == 0 or np.ptp(right) == 0:
        return None
    return float(np.corrcoef(left, right)[0, 1])


def _auroc(tested: Mapping[str, tuple[int, float]]) -> float | None:
    labels = [label for label, _ in tested.values()]
    try:
        return auroc(labels, [score for _, score in tested.values()])
    except MedadError:  # one class alone: nothing is wrong, there is just no AUROC
        return None
