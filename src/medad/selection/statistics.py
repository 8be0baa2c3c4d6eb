"""S1 and S2 of one bank, the bootstrap over draws, and how far features have moved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

Scores = npt.NDArray[np.float64]


def s1(positives: Scores, healthy: Scores) -> float:
    """P(score(x_i + lesion) > score(x_i)), a tie counting half.

    ``positives``: (I, n), n lesions on each of I images; ``healthy``: (I,), the images without.
    """
    return float(_above(positives, healthy[:, None]).mean())


def s2(positives: Scores, healthy: Scores) -> float:
    """P(score(x_i + lesion) > score(x_j)) over i != j, a tie counting half; one bank's AUROC.

    Unlike S1 it contains the variation between subjects. At least two images.
    """
    above = _above(positives[:, :, None], healthy[None, None, :]).mean(axis=1)
    return float(above[~np.eye(len(healthy), dtype=bool)].mean())


def _above(one: Scores, other: Scores) -> Scores:
    return np.asarray((one > other) + 0.5 * (one == other), np.float64)


def resampled_mean(
    values: Mapping[str, Sequence[float]], resamples: int, seed: int
) -> tuple[float, float]:
    """(mean, bootstrap standard error) of the mean over sources of each source's mean over draws.

    ``values``: source -> one value a draw. Draws are resampled within their source. The same
    ``seed`` takes the same draws, so that differences of candidates are paired.
    """
    rng = np.random.default_rng(seed)
    means, replicas = [], np.zeros(resamples)
    for name in sorted(values):
        draws = np.asarray(values[name], np.float64)
        chosen = rng.integers(len(draws), size=(resamples, len(draws)))
        means.append(float(draws.mean()))
        replicas += draws[chosen].mean(axis=1) / len(values)
    return float(np.mean(means)), float(replicas.std())


def effective_rank(patches: Tensor) -> float:
    """exp of the entropy of the normalised spectrum of the covariance of (n, C) patches.

    Roy and Vetterli 2007, on eigenvalues of the covariance. 1 to C; 0 when all patches are equal.
    """
    centred = (patches - patches.mean(0)).double()
    spectrum = torch.linalg.eigvalsh(centred.T @ centred).clamp(min=0)
    total = spectrum.sum()
    if not total > 0:
        return 0.0
    shares = spectrum / total
    return float(torch.special.entr(shares).sum().exp())


def movement(patches: Tensor, begin: Tensor, start: Tensor) -> dict[str, float]:
    """How (n, C) features of healthy images differ from what they were.

    ``norm`` and ``rank``: mean length and effective rank as ratios to ``begin``, the features at
    step 0; ``cosine``: mean cosine to ``start``, those of the unadapted backbone.
    """
    cosine: Any = torch.nn.functional.cosine_similarity(patches, start, dim=1).mean()
    return {
        "norm": float(patches.norm(dim=1).mean() / begin.norm(dim=1).mean()),
        "rank": effective_rank(patches) / effective_rank(begin),
        "cosine": float(cosine),
    }
