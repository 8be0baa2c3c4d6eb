"""Area under the ROC curve by exact ranks. Scores are oriented: higher is more anomalous.

AUROC = P(anomalous score > healthy score) + P(equal) / 2, the Mann-Whitney statistic. Pairs are
counted, never binned, so the value does not depend on the scale or the spacing of the scores.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from medad.errors import MedadError

FloatArray = NDArray[np.floating[Any]]


def _by_class(labels: ArrayLike, scores: ArrayLike) -> tuple[NDArray[np.bool_], FloatArray]:
    """Flat anomalous mask and flat scores, both checked."""
    values = np.asarray(scores)
    if not np.issubdtype(values.dtype, np.floating):
        values = values.astype(np.float64)
    values = values.ravel()
    raw = np.asarray(labels).ravel()
    anomalous = raw.astype(bool)
    if anomalous.shape != values.shape:
        raise MedadError(f"AUROC: {anomalous.size} labels for {values.size} scores; give one each")
    if not np.array_equal(raw, anomalous):
        raise MedadError("AUROC: labels are 0 (healthy) or 1 (anomalous)")
    if np.isnan(values).any():
        raise MedadError(
            f"AUROC: {int(np.isnan(values).sum())} of {values.size} scores are NaN; "
            "the detector that wrote them has failed"
        )
    count = int(anomalous.sum())
    if count in (0, values.size):
        raise MedadError(
            f"AUROC needs both classes: got {values.size - count} healthy and {count} anomalous"
        )
    return anomalous, values


def auroc(labels: ArrayLike, scores: ArrayLike, weights: ArrayLike | None = None) -> float:
    """Exact AUROC in [0, 1] of labels (n,) 0 or 1 and scores (n,), ties at one half.

    ``weights`` (n,), finite and not negative, are the masses of the images; without them all
    weigh one and the count of pairs is done in integers. Raises MedadError on NaN, on a single
    class, and when one class has no weight.
    """
    anomalous, values = _by_class(labels, scores)
    if weights is None:
        # Sorting the healthy scores alone keeps this lean enough for tens of millions of pixels.
        healthy, positive = np.sort(values[~anomalous]), np.sort(values[anomalous])
        below = int(np.searchsorted(healthy, positive, "left").sum(dtype=np.int64))
        below += int(np.searchsorted(healthy, positive, "right").sum(dtype=np.int64))
        return below / (2 * healthy.size * positive.size)
    value = float(resampled_auroc(labels, scores, np.asarray(weights, np.float64)[:, None])[0])
    if np.isnan(value):
        raise MedadError("AUROC: the weights of one class are all zero")
    return value


def resampled_auroc(
    labels: ArrayLike, scores: ArrayLike, weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Weighted AUROC (B,) under every column of ``weights`` (n, B); NaN where a class weighs 0.

    With whole-number weights, as in a bootstrap, every sum is a sum of halves and exact in
    float64 below 2**53: the result does not depend on the order of the sums.
    """
    anomalous, values = _by_class(labels, scores)
    if weights.ndim != 2 or weights.shape[0] != values.size:
        raise MedadError(f"AUROC: weights {weights.shape} for {values.size} scores; give (n, B)")
    if not np.isfinite(weights).all() or (weights < 0).any():
        raise MedadError("AUROC: weights must be finite and not negative")
    order = np.argsort(values[~anomalous], kind="stable")
    healthy = values[~anomalous][order]
    mass = np.zeros((healthy.size + 1, weights.shape[1]))
    np.cumsum(weights[~anomalous][order], axis=0, out=mass[1:])
    positive, positive_mass = values[anomalous], weights[anomalous]
    below = mass[np.searchsorted(healthy, positive, "left")]
    below += mass[np.searchsorted(healthy, positive, "right")]
    below *= positive_mass
    pairs: NDArray[np.float64] = below.sum(axis=0)
    total = 2.0 * mass[-1] * positive_mass.sum(axis=0)
    result = np.full(total.shape, np.nan)
    np.divide(pairs, total, out=result, where=total > 0)
    return result


def group_weights(labels: ArrayLike, groups: ArrayLike) -> NDArray[np.float64]:
    """Weights (n,) under which every leakage group of a class has mass one.

    Near copies inside a test set count as one image: an image weighs one over the number of
    images of its class in its group.
    """
    units = np.stack([np.asarray(labels, np.int64), np.asarray(groups, np.int64)], axis=1)
    _, inverse, counts = np.unique(units, axis=0, return_inverse=True, return_counts=True)
    return np.asarray(1.0 / counts[inverse.ravel()], np.float64)


def updated_auroc(labels: ArrayLike, scores: ArrayLike, batch: int) -> float:
    """AUROC as torchmetrics' BinaryAUROC reports it when it is updated with ``batch`` images.

    Of every update that has a score outside [0, 1] it takes the sigmoid, in float32, and leaves the
    others as they are. Large scores become equal, and updates on two scales are ranked together: a
    diagnostic of how much of a published number this can explain, not a metric to use.
    """
    values = np.asarray(scores, np.float32)
    parts = []
    for start in range(0, len(values), batch):
        part = values[start : start + batch]
        outside = bool(((part < 0) | (part > 1)).any())
        with np.errstate(over="ignore"):
            parts.append(1 / (1 + np.exp(-part)) if outside else part)
    return auroc(labels, np.concatenate(parts))
