"""Self-similarity against the double sum of equation 4."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from medad.errors import MedadError
from medad.losses.self_similarity import l2_self_similarity, squared_self_similarity


def double_sum(patches, power):
    total = 0.0
    for i, p in enumerate(patches):
        for j, q in enumerate(patches):
            if i != j:
                total += sum((a - b) ** 2 for a, b in zip(p, q, strict=True)) ** (power / 2)
    return total / (len(patches) * (len(patches) - 1))


def patches(seed, count, depth, offset=0.0, dtype=torch.float64):
    values = np.random.default_rng(seed).normal(size=(count, depth)) + offset
    return torch.tensor(values, dtype=dtype)


@settings(deadline=None)
@given(st.integers(0, 1000), st.integers(2, 9), st.integers(1, 5))
def test_equals_the_double_sum(seed, count, depth):
    features = patches(seed, count, depth)
    squared, l2 = squared_self_similarity(features), l2_self_similarity(features)
    assert float(squared) == pytest.approx(double_sum(features.tolist(), 2))
    assert float(l2) == pytest.approx(double_sum(features.tolist(), 1))


def test_float32_survives_a_large_common_offset():
    features = patches(0, 12, 4, offset=300.0, dtype=torch.float32)
    expected = double_sum(features.double().tolist(), 1)
    assert float(l2_self_similarity(features)) == pytest.approx(expected, rel=1e-4)
    expected = double_sum(features.double().tolist(), 2)
    assert float(squared_self_similarity(features)) == pytest.approx(expected, rel=1e-4)


def test_many_patches_are_sampled_without_replacement_by_the_generator():
    features = patches(1, 40, 3)

    def draw(seed):
        return float(l2_self_similarity(features, torch.Generator().manual_seed(seed), limit=8))

    chosen = torch.randperm(40, generator=torch.Generator().manual_seed(5))[:8]
    assert draw(5) == pytest.approx(double_sum(features[chosen].tolist(), 1))
    assert draw(5) == draw(5) != draw(6)


def test_no_draw_is_made_when_all_patches_fit():
    generator = torch.Generator().manual_seed(3)
    before = generator.get_state()
    l2_self_similarity(patches(1, 8, 3), generator, limit=8)
    assert torch.equal(generator.get_state(), before)


def test_sampling_without_a_generator_is_refused():
    with pytest.raises(ValueError, match="generator"):
        l2_self_similarity(patches(1, 9, 3), limit=8)


@pytest.mark.parametrize("loss", [squared_self_similarity, l2_self_similarity])
def test_gradients(loss):
    features = patches(2, 6, 3).requires_grad_()
    assert torch.autograd.gradcheck(loss, [features])
    same = torch.ones(5, 3, requires_grad=True)
    loss(same).backward()
    assert torch.equal(same.grad, torch.zeros(5, 3))


@pytest.mark.parametrize("loss", [squared_self_similarity, l2_self_similarity])
def test_one_patch_has_no_pair(loss):
    with pytest.raises(MedadError, match="2 or more"):
        loss(torch.zeros(1, 3))
