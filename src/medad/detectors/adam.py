"""Adam as adversarial networks use it: several optimizers, each for weights of its own."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

_BETA2 = 0.999


def adam(modules: Iterable[nn.Module], learning_rate: float, beta1: float) -> torch.optim.Adam:
    """One optimizer of all weights of some modules."""
    weights = [weight for module in modules for weight in module.parameters()]
    return torch.optim.Adam(weights, lr=learning_rate, betas=(beta1, _BETA2), fused=True)


def descend(optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
    """Lower ``loss`` by the optimizer's own weights; other weights get no gradient."""
    weights = [weight for group in optimizer.param_groups for weight in group["params"]]
    optimizer.zero_grad()
    torch.autograd.backward(loss, inputs=weights)
    optimizer.step()
