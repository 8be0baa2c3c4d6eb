"""Losses of a Wasserstein GAN with gradient penalty.

Gulrajani et al., Improved Training of Wasserstein GANs, NeurIPS 2017, equation 3.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

Critic = Callable[[Tensor], Tensor]  # (N, 3, h, w) -> (N, 1), higher for real images


def critic_loss(
    critic: Critic, real: Tensor, fake: Tensor, mix: Tensor, weight: float
) -> tuple[Tensor, Tensor]:
    """E[D(fake)] - E[D(real)] + weight * penalty, and the penalty; see ``gradient_penalty``."""
    penalty = gradient_penalty(critic, real, fake, mix)
    return critic(fake).mean() - critic(real).mean() + weight * penalty, penalty


def gradient_penalty(critic: Critic, real: Tensor, fake: Tensor, mix: Tensor) -> Tensor:
    """E[(|grad D(x)|_2 - 1)^2] at x = mix * real + (1 - mix) * fake.

    ``mix``: (N, 1, 1, 1) uniform in [0, 1], one an image as in the paper.
    """
    between = (mix * real + (1 - mix) * fake).detach().requires_grad_()
    (slope,) = torch.autograd.grad(critic(between).sum(), between, create_graph=True)
    length: Tensor = slope.flatten(1).norm(dim=1)
    return (length - 1).square().mean()


def generator_loss(critic: Critic, fake: Tensor) -> Tensor:
    """-E[D(fake)]."""
    return -critic(fake).mean()
