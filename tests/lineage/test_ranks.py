from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from medad.lineage.ranks import Columns, movement, ranks


def scores(*values: float, roles: list[str] | None = None) -> Columns:
    count = len(values)
    return {
        "path": [f"{i}.png" for i in range(count)],
        "label": [i % 2 for i in range(count)],
        "role": roles or ["test"] * count,
        "score": list(values),
    }


VALUES = st.lists(st.tuples(st.integers(-4, 4), st.integers(-4, 4)), min_size=2, max_size=20)


@given(VALUES)
def test_correlation_and_ranks_are_scipys(pairs: list[tuple[int, int]]) -> None:
    left, right = [float(a) for a, _ in pairs], [float(b) for _, b in pairs]
    assert ranks(left) == pytest.approx(stats.rankdata(left))
    found = movement(scores(*left), scores(*right)).spearman
    if len(set(left)) == 1 or len(set(right)) == 1:
        assert found is None
    else:
        assert found == pytest.approx(stats.spearmanr(left, right).statistic)


def test_the_images_that_moved_most_come_first() -> None:
    old, new = scores(0.9, 0.8, 0.7, 0.6), scores(0.9, 0.6, 0.8, 0.95)
    found = movement(old, new, most=2)
    assert [(item.path, item.old, item.new) for item in found.moved] == [
        ("3.png", 4.0, 1.0),
        ("1.png", 2.0, 4.0),
    ]
    # Healthy .9, .7 and anomalous .8, .6: one of four pairs is in order; then three of four.
    assert found.auroc == (0.25, 0.5)
    assert movement(old, old).moved == ()


def test_only_images_tested_in_both_are_ranked() -> None:
    old = scores(0.1, 0.2, 0.3, 0.4, roles=["test", "test", "validation", "test"])
    new = scores(0.4, 0.2, 0.3)
    found = movement(old, new)
    assert (found.common, found.only_a, found.only_b) == (2, 1, 1)
    assert found.spearman == pytest.approx(-1.0)
    assert movement(scores(0.1), scores(0.2)).auroc == (None, None)
