from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medad.data.sampling import draw, shot_order
from medad.errors import MedadError
from medad.shot_counts import FULL


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 6)), max_size=30), st.integers(0, 50))
def test_one_image_of_every_group_of_the_pool(rows, seed):
    pool, groups = [row[0] for row in rows], [row[1] for row in rows]
    order = shot_order(pool, groups, np.random.default_rng(seed), one_per_group=True)
    assert all(pool[index] for index in order)
    taken = [groups[index] for index in order]
    assert sorted(taken) == sorted({group for flag, group in rows if flag})


@given(st.lists(st.booleans(), max_size=30), st.integers(0, 50))
def test_all_images_of_the_pool(pool, seed):
    order = shot_order(pool, [0] * len(pool), np.random.default_rng(seed), one_per_group=False)
    assert sorted(order) == [index for index, flag in enumerate(pool) if flag]


def test_groups_and_their_images_are_equally_likely():
    groups = [0, 0, 0, 1]  # three copies weigh as much as one image
    firsts = Counter(
        shot_order([True] * 4, groups, np.random.default_rng(seed), one_per_group=True)[0]
        for seed in range(2000)
    )
    # sd of a binomial(2000, 1/2) is 22, of (2000, 1/6) 17
    assert abs(firsts[3] - 1000) < 5 * 22
    assert all(abs(firsts[index] - 1000 / 3) < 5 * 17 for index in range(3))


def test_draws_are_nested():
    order = [4, 2, 9, 7]
    assert [draw(order, k) for k in (1, 2, 4)] == [[4], [4, 2], [4, 2, 9, 7]]


@pytest.mark.parametrize("k", [0, -1, 5])
def test_impossible_k_is_an_error(k):
    with pytest.raises(MedadError, match=f"K = {k} .* has 4 "):
        draw([4, 2, 9, 7], k)


def test_all_of_the_pool_is_its_whole_order() -> None:
    assert draw([3, 1, 2], FULL) == [3, 1, 2]
    with pytest.raises(MedadError, match="the pool of this split has 0 independent healthy images"):
        draw([], FULL)
