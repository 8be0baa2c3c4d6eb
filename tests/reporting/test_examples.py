"""Which images are shown."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.colors import LogNorm, Normalize

from medad.errors import MedadError
from medad.reporting.examples import choose, colour_scale, percentile_ranks, spans_decades


def test_hits_misses_and_false_alarms() -> None:
    labels = np.array([0, 1, 1, 0, 1, 1, 0])
    scores = np.array([0.9, 0.8, 0.1, 0.2, 0.5, 0.3, 0.4])
    found = choose(labels, np.arange(7), scores, 2)
    assert found == {"hits": [1, 4], "misses": [2, 5], "false alarms": [0, 6]}


def test_near_copies_are_shown_once() -> None:
    labels = np.array([0, 1, 1, 0, 1, 1, 0, 1])
    scores = np.array([0.9, 0.8, 0.1, 0.2, 0.7, 0.3, 0.4, 0.2])
    groups = np.array([1, 5, 6, 2, 5, 7, 1, 8])
    found = choose(labels, groups, scores, 2)
    assert found == {"hits": [1, 5], "misses": [2, 7], "false alarms": [0, 3]}


def test_few_anomalous_images_are_shared_out() -> None:
    labels = np.array([1, 1, 1, 0])
    found = choose(labels, np.arange(4), np.array([0.3, 0.2, 0.1, 0.0]), 4)
    assert found == {"hits": [0], "misses": [2], "false alarms": [3]}


@given(st.lists(st.integers(0, 5), min_size=1, max_size=30))
def test_percentile_ranks_count_what_lies_below(values: list[int]) -> None:
    scores = np.array(values, float)
    expected = [100 * np.mean((scores < one) + 0.5 * (scores == one)) for one in scores]
    np.testing.assert_allclose(percentile_ranks(scores), expected)


def test_a_missing_class_is_refused() -> None:
    with pytest.raises(MedadError, match="got 1 groups and 1 healthy"):
        choose(np.array([0, 1, 1]), np.array([0, 1, 1]), np.array([0.0, 1.0, 2.0]), 4)


def test_a_scale_is_logarithmic_where_a_linear_one_shows_nothing() -> None:
    even = np.linspace(0.5, 3.0, 1000, dtype=np.float32).reshape(10, 10, 10)
    skewed = even.copy()
    skewed[:1] *= 100  # a tenth of the values
    assert type(colour_scale(even)) is Normalize
    assert isinstance(colour_scale(skewed), LogNorm)
    found = colour_scale(skewed)
    assert (found.vmin, found.vmax) == (skewed.min(), pytest.approx(np.quantile(skewed, 0.999)))
    assert not spans_decades(even)
    assert not spans_decades(skewed - 1.0)  # no logarithm of what is not positive
