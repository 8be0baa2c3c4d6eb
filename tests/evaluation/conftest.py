"""Simulated runs: images with their own difficulty, methods and draws with their own noise."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from medad.evaluation.intervals import Run
from medad.evaluation.scores import Scores

Runs = dict[tuple[str, int, int], Run]


def _cohort(
    seed: int,
    methods: tuple[str, ...] = ("patchcore", "consult"),
    shots: tuple[int, ...] = (2, 4),
    draws: int = 3,
    healthy: int = 12,
    anomalous: int = 16,
    shift: float = 1.0,
    paper: bool = False,
) -> Runs:
    """Runs over one test set in pairs of near copies; method m shifts anomalous scores by m / 2.

    With ``paper`` the shots come from the test set: they are left out and their copies stay.
    """
    rng = np.random.default_rng(seed)
    label = np.r_[np.zeros(healthy, np.int64), np.ones(anomalous, np.int64)]
    group = np.arange(healthy + anomalous) // 2
    path = np.array([f"{row:03d}.png" for row in range(len(label))])
    image = rng.normal(size=len(label))
    runs = {}
    for r in range(draws):
        order = rng.permutation(healthy)
        for k in shots:
            own = order[:k] if paper else np.empty(0, np.int64)
            kept = np.setdiff1d(np.arange(len(label)), own)
            shot_groups = frozenset(group[own].tolist()) if paper else frozenset({10_000 + r})
            for m, method in enumerate(methods):
                noise = 0.5 * rng.normal(size=len(label))
                score = np.round(image + noise + label * (shift + m / 2), 1)
                scores = Scores(
                    path=path,
                    sha256=path,
                    label=label,
                    group=group,
                    role=np.full(len(label), "test"),
                    score=score,
                )
                runs[method, k, r] = Run(scores.take(rng.permutation(kept)), shot_groups)
    return runs


@pytest.fixture
def cohort() -> Callable[..., Runs]:
    """The function that simulates runs."""
    return _cohort
