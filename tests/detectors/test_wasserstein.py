"""Losses of the Wasserstein GAN against numpy, slopes by finite differences."""

import numpy as np
import pytest
import torch

from medad.detectors.wasserstein import critic_loss, generator_loss, gradient_penalty

RNG = np.random.default_rng(0)
REAL, FAKE = RNG.normal(size=(3, 3, 2, 2)), RNG.normal(size=(3, 3, 2, 2))
MIX = RNG.uniform(size=(3, 1, 1, 1))
WEIGHTS = RNG.normal(size=12)


def slow(x):
    """A critic that is not linear: (N,)."""
    return np.sin(x.reshape(len(x), -1) @ WEIGHTS) + (x.reshape(len(x), -1) ** 3).mean(1)


def critic(x):
    flat = x.flatten(1)
    return ((flat @ torch.from_numpy(WEIGHTS)).sin() + (flat**3).mean(1))[:, None]


def slow_penalty():
    between = MIX * REAL + (1 - MIX) * FAKE
    lengths = []
    for number in range(len(between)):
        slope = []
        for place in np.ndindex(between.shape[1:]):
            up, down = between.copy(), between.copy()
            up[(number, *place)] += 1e-5
            down[(number, *place)] -= 1e-5
            slope.append((slow(up)[number] - slow(down)[number]) / 2e-5)
        lengths.append(np.sqrt(np.sum(np.square(slope))))
    return np.mean((np.array(lengths) - 1) ** 2)


def tensors():
    return [torch.from_numpy(array) for array in (REAL, FAKE, MIX)]


def test_penalty_is_that_of_finite_differences():
    assert gradient_penalty(critic, *tensors()).item() == pytest.approx(slow_penalty(), rel=1e-6)


def test_critic_and_generator_losses():
    loss, penalty = critic_loss(critic, *tensors(), 10.0)
    expected = slow(FAKE).mean() - slow(REAL).mean() + 10 * slow_penalty()
    assert loss.item() == pytest.approx(expected, rel=1e-6)
    assert penalty.item() == pytest.approx(slow_penalty(), rel=1e-6)
    made = generator_loss(critic, torch.from_numpy(FAKE)).item()
    assert made == pytest.approx(-slow(FAKE).mean())


def test_penalty_trains_the_critic():
    """Of a linear critic the penalty is (|w| - 1)^2, and its slope 2 (|w| - 1) w / |w|."""
    w = torch.from_numpy(WEIGHTS).requires_grad_()
    gradient_penalty(lambda x: x.flatten(1) @ w[:, None], *tensors()).backward()
    length = np.linalg.norm(WEIGHTS)
    assert w.grad.numpy() == pytest.approx(2 * (length - 1) * WEIGHTS / length)


def test_penalty_of_slope_one_is_none():
    w = torch.from_numpy(WEIGHTS / np.linalg.norm(WEIGHTS))[:, None]
    assert gradient_penalty(lambda x: x.flatten(1) @ w, *tensors()).item() == pytest.approx(0)
