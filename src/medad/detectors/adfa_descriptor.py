"""ADFA's patch descriptor: coordinates, a 1x1 convolution and channel attention (sec. 2.1, 2.2)."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from medad.errors import MedadError


def coordinates(height: int, width: int) -> Tensor:
    """(height * width, 2): row and column of every position, each from -1 to 1; 0 for a single."""
    rows, columns = (_line(size) for size in (height, width))
    return torch.stack(torch.meshgrid(rows, columns, indexing="ij"), -1).reshape(-1, 2)


def _line(size: int) -> Tensor:
    return torch.linspace(-1, 1, size) if size > 1 else torch.zeros(1)


def adaptive_kernel(channels: int) -> int:
    """Size of ECA's convolution: the odd number at (log2(C) + 1) / 2 or above (Wang et al. 2020).

    As in their code: rounded down, and up by one when even.
    """
    size = int((math.log2(channels) + 1) / 2)
    return size if size % 2 else size + 1


class Descriptor(nn.Module):
    """Features and coordinates of positions to vectors of ``channels // reduction`` (P of eq. 2).

    ``pooling``: ``both``, ``average`` or ``maximum`` over the positions, before one convolution
    along the channels that all share.
    """

    def __init__(
        self, channels: int, reduction: int, attention: float, kernel: int, pooling: str
    ) -> None:
        super().__init__()
        if channels < reduction:
            raise MedadError(
                f"reduction: got {reduction}, allowed: at most the {channels} channels of the "
                "layers"
            )
        self.reduce = nn.Linear(channels + 2, channels // reduction)
        self.attend = nn.Conv1d(1, 1, kernel, padding=kernel // 2, bias=False)
        self.attention = attention
        self.pooling = pooling

    def forward(self, features: Tensor, places: Tensor) -> Tensor:
        """(B, P, D) of features (B, P, C) and ``coordinates`` (P, 2)."""
        reduced = self.reduced(features, places)
        if self.attention == 0:
            return reduced
        return reduced + self.attention * self.gate(reduced)[:, None] * reduced

    def reduced(self, features: Tensor, places: Tensor) -> Tensor:
        """P^d, (B, P, D), before the attention."""
        # The same as a linear map of features beside coordinates, without a copy of them.
        weight = self.reduce.weight
        return features @ weight[:, :-2].T + (places @ weight[:, -2:].T + self.reduce.bias)

    def gate(self, reduced: Tensor) -> Tensor:
        """A of equation 1, (B, D) in (0, 1), of vectors (B, P, D)."""
        pooled = []
        if self.pooling != "average":
            pooled.append(reduced.amax(1))
        if self.pooling != "maximum":
            pooled.append(reduced.mean(1))
        logits = [self.attend(vector[:, None])[:, 0] for vector in pooled]
        return torch.sigmoid(torch.stack(logits).sum(0))
