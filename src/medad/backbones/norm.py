"""Batch normalisation whose statistics never move."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn


class FixedNorm(nn.Module):
    """Batch normalisation with fixed running statistics and a trainable affine part.

    Batches of a few images say too little to re-estimate statistics, so neither training nor
    evaluation does, and ``train()`` changes nothing. State-dict keys are those of
    ``nn.BatchNorm2d`` without ``num_batches_tracked``, which a published file may or may not
    have and which is ignored on load.
    """

    running_mean: Tensor
    running_var: Tensor
    eps = 1e-5

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    @torch.no_grad()
    def reset(self, weight: float = 1.0) -> None:
        """Mean 0, variance 1, shift 0 and the given scale."""
        self.running_mean.zero_()
        self.running_var.fill_(1.0)
        self.weight.fill_(weight)
        self.bias.zero_()

    def forward(self, x: Tensor) -> Tensor:
        """Normalise (N, C, H, W) per channel."""
        return nn.functional.batch_norm(
            x, self.running_mean, self.running_var, self.weight, self.bias, False, 0.0, self.eps
        )

    def _load_from_state_dict(
        self, state_dict: dict[str, Any], prefix: str, *rest: Any, **named: Any
    ) -> None:
        state_dict.pop(prefix + "num_batches_tracked", None)
        super()._load_from_state_dict(state_dict, prefix, *rest, **named)
