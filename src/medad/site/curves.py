"""The numbers behind the charts: ROC over draws, counts of scores, training curves."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from medad.errors import MedadError

Array = NDArray[np.float64]
_BESIDE = 1e-9  # how near to a step of a ROC its two sides are looked at
_POINTS = 120  # of a training curve that are drawn


@dataclass(frozen=True)
class Band:
    """A mean over draws with the lowest and the highest draw, at ``x`` (n,); each (n,)."""

    x: Array
    mean: Array
    low: Array
    high: Array
    draws: int


def roc(labels: NDArray[np.int64], scores: Array) -> tuple[Array, Array]:
    """False and true positive rates at every threshold, from (0, 0) to (1, 1).

    Equal scores are one slanted step, so that the area below is the AUROC with ties at one half.
    """
    order = np.argsort(-scores, kind="stable")
    anomalous = labels[order] == 1
    last = np.flatnonzero(np.append(np.diff(scores[order]) != 0, True))
    true = np.concatenate([[0], np.cumsum(anomalous)[last]])
    false = np.concatenate([[0], np.cumsum(~anomalous)[last]])
    return false / max(1, false[-1]), true / max(1, true[-1])


def roc_band(draws: Sequence[tuple[Array, Array]]) -> Band:
    """Vertical mean and range of ROC curves; the area below the mean is the mean AUROC.

    Curves rise in steps, so both sides of every step of any curve are points of the result.
    """
    steps = np.unique(np.concatenate([false for false, _ in draws]))
    x = np.sort(np.concatenate([steps - _BESIDE, steps + _BESIDE]))
    heights = np.stack([np.interp(x, false, true, left=0.0) for false, true in draws])
    return Band(np.clip(x, 0, 1), heights.mean(0), heights.min(0), heights.max(0), len(draws))


@dataclass(frozen=True)
class Counts:
    """How many images of each class fall between two neighbours of ``edges`` (bins + 1,)."""

    edges: Array
    healthy: NDArray[np.int64]
    anomalous: NDArray[np.int64]
    logarithmic: bool


def counts(labels: NDArray[np.int64], scores: Array, bins: int, logarithmic: bool) -> Counts:
    """Counts in bins of equal width, or of equal ratio where the axis is logarithmic."""
    low, high = float(scores.min()), float(scores.max())
    if low == high:
        low, high = low - 0.5, high + 0.5
        logarithmic = logarithmic and low > 0
    edges = np.geomspace(low, high, bins + 1) if logarithmic else np.linspace(low, high, bins + 1)
    # Rounding must not push the extreme scores out of the outer bins.
    inside = np.clip(scores, edges[0], edges[-1])
    healthy, _ = np.histogram(inside[labels == 0], edges)
    anomalous, _ = np.histogram(inside[labels == 1], edges)
    return Counts(edges, healthy, anomalous, logarithmic)


def training(files: Sequence[Path]) -> dict[str, Band]:
    """Every finite quantity that stage 1 logged, by name, over the draws that logged it."""
    found: dict[str, dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
    logged: dict[str, set[Path]] = defaultdict(set)
    for file in files:
        for event in _events(file):
            for name, value in event.items():
                if name not in ("step", "epoch") and math.isfinite(value):
                    found[name][int(event["step"])].append(float(value))
                    logged[name].add(file)
    return {
        name: _band(found[name], len(logged[name])) for name in sorted(found, key=_total_loss_first)
    }


def _events(file: Path) -> list[dict[str, float]]:
    try:
        return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    except ValueError as error:
        raise MedadError(f"{file}: not JSON lines ({error}); run `medad verify`") from error


def _band(values: dict[int, list[float]], draws: int) -> Band:
    steps = sorted(values)
    stride = -(-len(steps) // _POINTS)
    kept = sorted({*steps[::stride], steps[-1]})
    return Band(
        np.array(kept, np.float64),
        np.array([np.mean(values[step]) for step in kept]),
        np.array([np.min(values[step]) for step in kept]),
        np.array([np.max(values[step]) for step in kept]),
        draws,
    )


def _total_loss_first(name: str) -> tuple[int, str]:
    return (0 if name == "loss" else 1 if name.startswith("loss/") else 2, name)
