"""Dice: numpy, its ends, and its gradient."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import binary_cross_entropy_with_logits as bce

from medad.losses.dice import dice


def example(seed):
    rng = np.random.default_rng(seed)
    masks = (rng.random((3, 1, 4, 5)) < 0.4).astype(float)
    masks[0, 0, 0, 0] = 1
    return 3 * rng.normal(size=masks.shape), masks


@settings(deadline=None)
@given(st.integers(0, 1000))
def test_equal_numpy(seed):
    logits, masks = example(seed)
    chances = 1 / (1 + np.exp(-logits))
    expected = 1 - 2 * (chances * masks).sum() / (chances.sum() + masks.sum())
    made = torch.tensor(logits), torch.tensor(masks)
    assert float(dice(*made)) == pytest.approx(expected)
    entropy = -(masks * np.log(chances) + (1 - masks) * np.log(1 - chances)).mean()
    assert float(bce(*made)) == pytest.approx(entropy)


def test_ends():
    masks = torch.tensor(example(0)[1])
    sure = 60 * (2 * masks - 1)
    assert float(dice(sure, masks)) == pytest.approx(0, abs=1e-9)
    assert float(dice(-sure, masks)) == pytest.approx(1)


def test_gradients():
    logits, masks = example(1)
    given = torch.tensor(logits).requires_grad_()

    def loss(values):
        truth = torch.tensor(masks)
        return dice(values, truth) + bce(values, truth)

    assert torch.autograd.gradcheck(loss, [given])
