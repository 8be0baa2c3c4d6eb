"""CBAM, the convolutional block attention module (Woo et al., ECCV 2018)."""

from __future__ import annotations

import math

import torch
from torch import Generator, Tensor, nn

from medad.backbones.norm import FixedNorm

REDUCTION = 16
KERNEL = 7


class ChannelGate(nn.Module):
    """One weight per channel: a shared MLP C -> C/16 -> C on average and maximum pool, summed."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.reduce = nn.Linear(channels, channels // REDUCTION)
        self.expand = nn.Linear(channels // REDUCTION, channels)

    def forward(self, x: Tensor) -> Tensor:
        """Logits (N, C, 1, 1) of features (N, C, H, W)."""
        pooled = torch.stack([x.mean((2, 3)), x.amax((2, 3))])
        logits: Tensor = self.expand(nn.functional.relu(self.reduce(pooled))).sum(0)
        return logits[:, :, None, None]


class SpatialGate(nn.Module):
    """One weight per position: a 7x7 convolution of the channels' maximum and mean."""

    def __init__(self, *, norm: bool) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, 1, KERNEL, padding=KERNEL // 2, bias=not norm)
        self.norm = FixedNorm(1) if norm else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Logits (N, 1, H, W) of features (N, C, H, W)."""
        pooled = torch.cat([x.amax(1, keepdim=True), x.mean(1, keepdim=True)], 1)
        logits: Tensor = self.norm(self.conv(pooled))
        return logits


class CBAM(nn.Module):
    """Channel gate, then spatial gate, each multiplied onto the features (N, C, H, W).

    ``init`` chooses how the gates start:

    - ``ordinary``: PyTorch's default initialisation, biases everywhere, no normalisation. A gate
      is sigmoid(z), near .5, so that one CBAM divides the features by about four.
    - ``reference``: the authors' code: zero biases, and a normalisation of weight 0 and no
      convolution bias in the spatial gate, which therefore starts at exactly .5.
    - ``identity``: as ordinary, but a gate is 2 sigmoid(z), in (0, 2), and its last layer starts
      at zero: the output equals the input at step 0, exactly, and the last layer has a gradient.
    """

    def __init__(self, channels: int, init: str) -> None:
        super().__init__()
        self.init = init
        self.channel = ChannelGate(channels)
        self.spatial = SpatialGate(norm=init == "reference")

    def forward(self, x: Tensor) -> Tensor:
        """Gated features, the shape of ``x``."""
        x = x * self._gate(self.channel(x))
        return x * self._gate(self.spatial(x))

    def _gate(self, logits: Tensor) -> Tensor:
        gate = torch.sigmoid(logits)
        return 2 * gate if self.init == "identity" else gate

    @torch.no_grad()
    def initialise(self, generator: Generator) -> None:
        """Write every parameter and buffer, drawing from ``generator``."""
        last = (self.channel.expand, self.spatial.conv)
        for layer in (self.channel.reduce, *last):
            _default(layer, generator)
        if self.init == "reference":
            self.channel.reduce.bias.zero_()
            self.channel.expand.bias.zero_()
            # He et al. with fan out, as the authors' network initialises every convolution.
            self.spatial.conv.weight.normal_(0, math.sqrt(2 / KERNEL**2), generator=generator)
        if isinstance(self.spatial.norm, FixedNorm):
            self.spatial.norm.reset(weight=0.0)
        if self.init == "identity":
            for layer in last:
                for parameter in layer.parameters():
                    parameter.zero_()


def _default(layer: nn.Linear | nn.Conv2d, generator: Generator) -> None:
    """PyTorch's own initialisation, uniform in +-1/sqrt(fan in), from a given generator."""
    bound = 1 / math.sqrt(layer.weight[0].numel())
    for parameter in layer.parameters():
        parameter.uniform_(-bound, bound, generator=generator)
