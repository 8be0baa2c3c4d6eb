import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from medad.selection.statistics import effective_rank, movement, resampled_mean, s1, s2


def _loop(positives, healthy, same):
    wins, count = 0.0, 0
    for i, row in enumerate(positives):
        for j, other in enumerate(healthy):
            if (i == j) != same:
                continue
            for score in row:
                wins += 1.0 if score > other else 0.5 if score == other else 0.0
                count += 1
    return wins / count


@given(
    images=st.integers(2, 4),
    lesions=st.integers(1, 5),
    seed=st.integers(0, 2**32),
)
def test_s1_and_s2_equal_a_loop(images, lesions, seed):
    rng = np.random.default_rng(seed)
    positives = rng.integers(0, 4, (images, lesions)).astype(float)
    healthy = rng.integers(0, 4, images).astype(float)
    assert s1(positives, healthy) == pytest.approx(_loop(positives, healthy, same=True))
    assert s2(positives, healthy) == pytest.approx(_loop(positives, healthy, same=False))


def test_s2_knows_the_variation_between_subjects_and_s1_does_not():
    healthy = np.array([1.0, 10.0])
    positives = np.array([[2.0], [11.0]])
    assert s1(positives, healthy) == 1
    assert s2(positives, healthy) == 0.5


def test_standard_error_of_a_mean_of_draws():
    values = np.random.default_rng(0).normal(size=12)
    mean, error = resampled_mean({"a": list(values)}, 20_000, 0)
    assert mean == pytest.approx(values.mean())
    assert error == pytest.approx(values.std() / np.sqrt(12), rel=0.03)


def test_sources_weigh_the_same_whatever_their_draws():
    one, other = [0.0, 1.0], [3.0] * 7
    mean, error = resampled_mean({"a": one, "b": other}, 20_000, 0)
    assert mean == pytest.approx(1.75)
    assert error == pytest.approx(0.5 / np.sqrt(2) / 2, rel=0.03)


def test_a_constant_difference_has_no_error():
    assert resampled_mean({"a": [0.25, 0.25, 0.25]}, 100, 0) == (0.25, 0.0)


@pytest.mark.parametrize("rank", [1, 2, 5])
def test_effective_rank_counts_equal_directions(rank):
    basis = torch.cat([torch.eye(5)[:rank], -torch.eye(5)[:rank]]) * 7 + 3
    assert effective_rank(basis) == pytest.approx(rank, abs=1e-4)


def test_effective_rank_of_equal_patches_is_nothing():
    assert effective_rank(torch.ones(4, 3)) == 0


def test_movement_of_features_halved_and_turned():
    rng = torch.Generator().manual_seed(0)
    begin = torch.randn(50, 4, generator=rng)
    still = movement(begin, begin, begin)
    assert still == pytest.approx({"norm": 1, "rank": 1, "cosine": 1})
    found = movement(-0.5 * begin, begin, begin)
    assert found == pytest.approx({"norm": 0.5, "rank": 1, "cosine": -1})
    collapsed = begin.clone()
    collapsed[:, 1:] = 0
    assert movement(collapsed, begin, begin)["rank"] < 0.4
