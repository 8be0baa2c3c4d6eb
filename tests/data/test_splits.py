from __future__ import annotations

import re
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medad.data.splits import adfa, grouped, largest_remainder, paper
from medad.errors import MedadError


def generator(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@given(st.integers(0, 500), st.lists(st.integers(1, 20), min_size=1, max_size=5))
def test_largest_remainder_in_exact_arithmetic(total, weights):
    exact = [Fraction(total * weight, sum(weights)) for weight in weights]
    parts = largest_remainder(total, [weight / sum(weights) for weight in weights])
    assert sum(parts) == total
    assert all(
        int(value) <= part <= int(value) + 1 for value, part in zip(exact, parts, strict=True)
    )
    rounded_up = [v - int(v) for v, part in zip(exact, parts, strict=True) if part > int(v)]
    rounded_down = [v - int(v) for v, part in zip(exact, parts, strict=True) if part == int(v)]
    if rounded_up and rounded_down:
        assert min(rounded_up) >= max(rounded_down) or max(rounded_down) - min(rounded_up) < 1e-8


def test_documented_sizes():
    assert largest_remainder(76, [0.3, 0.15, 0.55]) == [23, 11, 42]
    assert largest_remainder(10, [0.5, 0.25, 0.25]) == [5, 3, 2]  # tie: the first


@st.composite
def datasets(draw):
    count = draw(st.integers(12, 60))
    groups = draw(st.lists(st.integers(0, 40), min_size=count, max_size=count))
    labels = draw(st.lists(st.sampled_from([0, 0, 1]), min_size=count, max_size=count))
    return labels, groups


@given(datasets(), st.integers(0, 99))
def test_grouped_never_lets_a_group_straddle(data, seed):
    labels, groups = data
    clean = set(groups) - {g for g, label in zip(groups, labels, strict=True) if label}
    if len(clean) < 5:
        return
    roles = grouped(labels, groups, generator(seed), pool=0.3, validation=0.2)
    flags = list(zip(roles.pool, roles.validation, roles.test, strict=True))
    assert all(sum(row) == 1 for row in flags)
    for group in set(groups):
        assert len({row for row, own in zip(flags, groups, strict=True) if own == group}) == 1
    assert all(
        row == (False, False, True) for row, label in zip(flags, labels, strict=True) if label
    )
    pool = {group for group, flag in zip(groups, roles.pool, strict=True) if flag}
    validation = {group for group, flag in zip(groups, roles.validation, strict=True) if flag}
    sizes = largest_remainder(len(clean), [0.3, 0.2, 0.5])
    assert [len(pool), len(validation)] == sizes[:2]
    assert pool | validation <= clean


def test_grouped_depends_on_the_seed_only():
    labels, groups = [0] * 40 + [1] * 10, list(range(50))
    draws = [grouped(labels, groups, generator(s), pool=0.3, validation=0.15) for s in (1, 1, 2)]
    assert draws[0] == draws[1]
    assert draws[0].pool != draws[2].pool


def test_every_group_is_in_the_pool_at_its_rate():
    labels, groups = [0] * 20, list(range(20))
    counts = sum(
        np.array(grouped(labels, groups, generator(seed), pool=0.3, validation=0.2).pool, int)
        for seed in range(1000)
    )
    # sd of a binomial(1000, .3) is 14.5
    assert np.abs(counts - 300).max() < 5 * 14.5


def test_copies_of_anomalous_images_are_test():
    labels, groups = [0, 1, *[0] * 10], [0, 0, *range(1, 11)]
    for seed in range(20):
        roles = grouped(labels, groups, generator(seed), pool=0.4, validation=0.2)
        assert roles.test[0]
        assert roles.test[1]


@pytest.mark.parametrize(
    ("pool", "validation"),
    [(0.0, 0.1), (0.9, 0.1), (-0.1, 0.5), (0.5, -0.1), (0.01, 0.1), (0.3, 0.01)],
)
def test_grouped_refuses_empty_parts(pool, validation):
    with pytest.raises(MedadError, match=r"splits\.grouped"):
        grouped([0] * 10, list(range(10)), generator(), pool=pool, validation=validation)


def test_grouped_without_validation():
    roles = grouped([0] * 10, list(range(10)), generator(), pool=0.3, validation=0)
    assert (sum(roles.pool), sum(roles.validation), sum(roles.test)) == (3, 0, 7)


def test_paper_lets_healthy_images_be_both():
    roles = paper([0, 1, 0], [0, 1, 0], generator())
    assert roles.pool == [True, False, True]
    assert roles.test == [True, True, True]
    assert roles.validation == [False] * 3


def test_adfa_takes_its_numbers():
    labels = [0] * 98 + [1] * 155
    roles = adfa(labels, [0] * 253, generator(), pool=58, test=40, files="drawn")
    assert sum(roles.pool) == 58
    assert sum(roles.test) == 40 + 155
    assert not any(a and b for a, b in zip(roles.pool, roles.test, strict=True))
    assert not any(roles.pool[98:])
    fewer = adfa(labels, [0] * 253, generator(), pool=10, test=5, files="drawn")
    assert sum(fewer.pool) + sum(fewer.test[:98]) == 15  # the others are not used


def test_adfa_refuses_more_than_there_are():
    with pytest.raises(MedadError, match=r"need 98 healthy images.*has 96"):
        adfa([0] * 96 + [1], [0] * 97, generator(), pool=58, test=40, files="drawn")
    with pytest.raises(MedadError, match=r"anomalous 2; the dataset has 1"):
        adfa([0] * 98 + [1], [0] * 99, generator(), pool=58, test=40, files="drawn", anomalous=2)


def test_adfa_tests_a_drawn_number_of_anomalous_images():
    labels = [0] * 133 + [1] * 647
    numbers = {"pool": 96, "test": 32, "files": "drawn"}
    some, other = (
        adfa(labels, [0] * 780, generator(seed), **numbers, anomalous=496) for seed in (0, 1)
    )
    assert sum(some.test[133:]) == sum(other.test[133:]) == 496
    assert some.test != other.test
    every = adfa(labels, [0] * 780, generator(0), **numbers, anomalous=647)
    assert every == adfa(labels, [0] * 780, generator(0), **numbers)
    assert every.pool == some.pool  # the number tested does not change what is learned from


@given(datasets(), st.integers(0, 99))
def test_adfa_apart_keeps_copies_on_one_side(data, seed):
    labels, groups = data
    healthy = labels.count(0)
    numbers = {"pool": healthy // 3, "test": healthy // 3}
    try:
        roles = adfa(labels, groups, generator(seed), **numbers)
    except MedadError as error:
        assert re.search(r"cannot be dealt whole|each at least 1", str(error))  # noqa: PT017
        return
    sides = [
        {g for g, flag in zip(groups, flags, strict=True) if flag}
        for flags in (roles.pool, roles.test)
    ]
    assert not sides[0] & sides[1]
    assert sum(roles.pool) == numbers["pool"]
    assert sum(roles.test) == numbers["test"] + labels.count(1)
    assert not any(role and label for role, label in zip(roles.pool, labels, strict=True))


# Sizes of healthy groups as those of the paper's brain images are.
_GROUPS = np.repeat(np.arange(76), [5, 4, 3, 3, *[2] * 11, *[1] * 61]).tolist()


def test_adfa_apart_deals_every_image_where_all_are_wanted():
    for seed in range(50):
        roles = adfa([0] * 98 + [1], [*_GROUPS, 99], generator(seed), pool=58, test=40)
        assert (sum(roles.pool), sum(roles.test)) == (58, 41)


def test_adfa_apart_takes_every_image_at_its_rate():
    rates = np.zeros(98)
    for seed in range(2000):
        rates += np.array(adfa([0] * 98, _GROUPS, generator(seed), pool=40, test=30).pool) / 2000
    assert rates == pytest.approx(np.full(98, 40 / 98), abs=0.06)  # five standard errors


def test_adfa_apart_says_what_does_not_fit():
    message = r"3 healthy leakage groups, the largest of 4 images.*pool 3 and test 3: change"
    with pytest.raises(MedadError, match=message):
        adfa([0] * 6, [0, 0, 0, 0, 1, 2], generator(), pool=3, test=3)


def test_adfa_apart_never_learns_from_a_copy_of_an_anomalous_image():
    labels, groups = [0, 0, 0, 0, 1], [0, 1, 2, 3, 3]
    for seed in range(20):
        roles = adfa(labels, groups, generator(seed), pool=2, test=1)
        assert not roles.pool[3]


def test_adfa_takes_the_first_files():
    labels = [1, 0, 0, 0, 1, 0, 0]
    roles = adfa(labels, [0] * 7, generator(), pool=2, test=2, files="first")
    assert roles.pool == [False, True, True, False, False, False, False]
    assert roles.test == [True, False, False, True, True, True, False]


def test_adfa_takes_published_parts_whole_or_not_at_all():
    labels = [0, 0, 0, 1, 1]
    parts = ["train", "train", "test", "train", "test"]
    numbers = {"pool": 2, "test": 1, "anomalous": 1, "files": "parts"}
    roles = adfa(labels, [0] * 5, generator(), **numbers, parts=parts)
    assert roles.pool == [True, True, False, False, False]
    assert roles.test == [False, False, True, False, True]
    with pytest.raises(MedadError, match=r"have 1 and 1 healthy and 1 anomalous images, not 2, 1"):
        adfa(labels[1:], [0] * 4, generator(), **numbers, parts=parts[1:])
