"""Decision thresholds from healthy scores only, and what they give on the test images."""

from __future__ import annotations

from fractions import Fraction
from math import ceil

import numpy as np
from numpy.typing import ArrayLike

from medad.errors import MedadError


def conformal_threshold(healthy: ArrayLike, quantile: float) -> float | None:
    """The ceil((n + 1) q)-th smallest of n healthy validation scores, or None.

    A new healthy image, exchangeable with these, scores above it with probability at most
    1 - q (split conformal prediction; Vovk et al., 2005). That rank exceeds n when
    n < q / (1 - q), for example below 19 images at q = .95: the threshold is then infinite, which
    is reported as None, as is an empty validation set. Raises MedadError for NaN scores and for
    q outside (0, 1).
    """
    if not 0.0 < quantile < 1.0:
        raise MedadError(f"evaluation.healthy_quantile: got {quantile}, allowed: between 0 and 1")
    scores = np.sort(np.asarray(healthy, np.float64).ravel())
    if np.isnan(scores).any():
        raise MedadError("threshold: healthy validation scores contain NaN")
    # As a decimal fraction: 0.95 as a binary float can push the product past a whole number.
    rank = ceil(Fraction(repr(float(quantile))) * (scores.size + 1))
    return None if rank > scores.size else float(scores[rank - 1])


def sensitivity_specificity(
    labels: ArrayLike, scores: ArrayLike, threshold: float
) -> tuple[float, float]:
    """Fraction of anomalous images above ``threshold``, and of healthy ones not above it.

    Raises MedadError unless both classes (labels 1 and 0) are there.
    """
    anomalous = np.asarray(labels).ravel().astype(bool)
    above = np.asarray(scores, np.float64).ravel() > threshold
    if anomalous.all() or not anomalous.any():
        raise MedadError("sensitivity and specificity need healthy and anomalous test images")
    return float(above[anomalous].mean()), float((~above[~anomalous]).mean())
