"""A step lowers the loss by its own weights and leaves those of others without a gradient."""

import torch
from torch import nn

from medad.detectors.adam import adam, descend


def test_own_weights_alone():
    torch.manual_seed(0)
    own, other = nn.Linear(3, 3), nn.Linear(3, 1)
    before = [weight.clone() for module in (own, other) for weight in module.parameters()]
    optimizer = adam([own], 0.1, 0.5)
    for _ in range(2):
        descend(optimizer, other(own(torch.ones(2, 3))).sum())
    assert all(weight.grad is None for weight in other.parameters())
    assert [weight.equal(old) for weight, old in zip(own.parameters(), before, strict=False)] == [
        False,
        False,
    ]
    # A constant gradient g makes every step of Adam lr * sign(g), whatever its betas.
    slope = other.weight[0].detach().sign()
    assert torch.allclose(own.bias, before[1] - 0.2 * slope, atol=1e-5)


def test_betas():
    assert adam([nn.Linear(1, 1)], 0.1, 0.5).defaults["betas"] == (0.5, 0.999)
