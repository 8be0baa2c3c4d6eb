"""Conformal thresholds and what they give."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medad.errors import MedadError
from medad.evaluation.thresholds import conformal_threshold, sensitivity_specificity


@pytest.mark.parametrize(("size", "rank"), [(19, 19), (20, 20), (39, 38), (99, 95), (100, 96)])
def test_rank_at_95_percent(size: int, rank: int) -> None:
    scores = np.random.default_rng(size).permutation(np.arange(1.0, size + 1))
    assert conformal_threshold(scores, 0.95) == rank


def test_exact_where_binary_floats_are_not() -> None:
    # 0.55 * 100 is 55.00000000000001 in binary floating point.
    assert conformal_threshold(np.arange(1.0, 100.0), 0.55) == 55


@pytest.mark.parametrize("size", [0, 1, 18])
def test_too_few_give_none(size: int) -> None:
    assert conformal_threshold(np.arange(float(size)), 0.95) is None


@given(st.integers(1, 200), st.integers(1, 99))
def test_smallest_score_that_covers(size: int, percent: int) -> None:
    threshold = conformal_threshold(np.arange(1.0, size + 1), percent / 100)
    enough = [rank for rank in range(1, size + 1) if rank * 100 >= percent * (size + 1)]
    assert threshold == (enough[0] if enough else None)


def test_false_alarms_stay_below_the_promised_rate() -> None:
    rng = np.random.default_rng(1)
    alarms = []
    for _ in range(2000):
        scores = rng.normal(size=40)
        threshold = conformal_threshold(scores[:39], 0.9)
        assert threshold is not None
        alarms.append(scores[39] > threshold)
    assert 0.08 < np.mean(alarms) < 0.12


def test_sensitivity_and_specificity_count_scores_above() -> None:
    found = sensitivity_specificity([0, 0, 0, 1, 1], [0.1, 0.5, 0.9, 0.5, 0.6], 0.5)
    assert found == (0.5, pytest.approx(2 / 3))


def test_refuses() -> None:
    with pytest.raises(MedadError, match="between 0 and 1"):
        conformal_threshold([1.0], 1.0)
    with pytest.raises(MedadError, match="NaN"):
        conformal_threshold([float("nan")], 0.5)
    with pytest.raises(MedadError, match="healthy and anomalous"):
        sensitivity_specificity([1, 1], [0.0, 1.0], 0.5)
