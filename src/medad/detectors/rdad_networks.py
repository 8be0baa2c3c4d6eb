"""Networks of reverse distillation: a bottleneck of three layers and a decoder.

Deng and Li, Anomaly Detection via Reverse Distillation from One-Class Embedding, CVPR 2022.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from medad.backbones.spec import ARCHITECTURES, Architecture
from medad.detectors.training import Training

LAYERS = (1, 2, 3)
_WIDEST = 512  # planes of the embedding
_DECODED = {3: 256, 2: 128, 1: 64}  # planes of the decoder's stages, in the order they come


def _norm(*convolution: nn.Module, channels: int, active: bool = True) -> nn.Sequential:
    parts = [*convolution, nn.BatchNorm2d(channels), *([nn.ReLU()] if active else [])]
    return nn.Sequential(*parts)


class Block(nn.Module):
    """A residual block; its first, with ``scale``, halves (``down``) or doubles (``up``) the grid.

    As the trunk's blocks: two 3x3 convolutions, or 1x1, 3x3, 1x1. Doubling is a transposed 2x2
    convolution in the place of the 3x3 one that would halve.
    """

    def __init__(self, made: Architecture, inputs: int, planes: int, scale: str = "none") -> None:
        super().__init__()
        outputs = planes * made.expansion

        def moved(before: int, after: int, kernel: int) -> nn.Module:
            if scale == "up":
                return nn.ConvTranspose2d(before, after, 2, 2, bias=False)
            stride = 2 if scale == "down" else 1
            return nn.Conv2d(before, after, kernel, stride, kernel // 2, bias=False)

        if made.expansion == 1:
            self.main = nn.Sequential(
                _norm(moved(inputs, outputs, 3), channels=outputs),
                _norm(_conv(outputs, outputs, 3), channels=outputs, active=False),
            )
        else:
            inner = planes * made.inner
            self.main = nn.Sequential(
                _norm(_conv(inputs, inner, 1), channels=inner),
                _norm(moved(inner, inner, 3), channels=inner),
                _norm(_conv(inner, outputs, 1), channels=outputs, active=False),
            )
        self.shortcut: nn.Module = nn.Identity()
        if scale != "none":
            self.shortcut = _norm(moved(inputs, outputs, 1), channels=outputs, active=False)

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, h, w) to (N, outputs, h', w')."""
        return torch.relu(self.main(x) + self.shortcut(x))


def _conv(before: int, after: int, kernel: int) -> nn.Conv2d:
    return nn.Conv2d(before, after, kernel, 1, kernel // 2, bias=False)


def _stage(made: Architecture, inputs: int, planes: int, count: int, scale: str) -> nn.Sequential:
    first = Block(made, inputs, planes, scale)
    outputs = planes * made.expansion
    return nn.Sequential(first, *(Block(made, outputs, planes) for _ in range(1, count)))


class Bottleneck(nn.Module):
    """Fusion of layers 1 to 3 and the one-class embedding: half the grid of layer 3."""

    def __init__(self, backbone: str) -> None:
        super().__init__()
        made = ARCHITECTURES[backbone]
        first, second, third = (planes * made.expansion for planes in (64, 128, 256))

        def halved(before: int, after: int) -> nn.Sequential:
            return _norm(nn.Conv2d(before, after, 3, 2, 1, bias=False), channels=after)

        self.first = nn.Sequential(halved(first, second), halved(second, third))
        self.second = halved(second, third)
        self.embedding = _stage(made, 3 * third, _WIDEST, 2 if made.expansion == 1 else 3, "down")

    def forward(self, pyramid: Mapping[int, Tensor]) -> Tensor:
        """Layer -> (N, C, h, w) to (N, 512 x expansion, h3 / 2, w3 / 2)."""
        parts = (self.first(pyramid[1]), self.second(pyramid[2]), pyramid[3])
        found: Tensor = self.embedding(torch.cat(parts, 1))
        return found


class Decoder(nn.Module):
    """The trunk backwards: features of layers 3, 2 and 1 from the embedding."""

    def __init__(self, backbone: str) -> None:
        super().__init__()
        made = ARCHITECTURES[backbone]
        inputs = _WIDEST * made.expansion
        stages = {}
        for layer, count in zip(_DECODED, made.blocks, strict=False):
            stages[str(layer)] = _stage(made, inputs, _DECODED[layer], count, "up")
            inputs = _DECODED[layer] * made.expansion
        self.stages = nn.ModuleDict(stages)

    def forward(self, x: Tensor) -> dict[int, Tensor]:
        """Layer -> (N, C, h, w), of the shapes of the trunk's layers."""
        found = {}
        for layer in _DECODED:
            x = self.stages[str(layer)](x)
            found[layer] = x
        return found


@torch.no_grad()
def drawn(backbone: str, training: Training) -> dict[str, nn.Module]:
    """Bottleneck and decoder of first weights: convolutions N(0, 2 / fan out), as the authors'.

    Transposed ones are as torch has them; norms keep weight 1 and bias 0.
    """
    with training.seeded("networks"):
        made: dict[str, nn.Module] = {
            "bottleneck": Bottleneck(backbone),
            "decoder": Decoder(backbone),
        }
        for network in made.values():
            for part in network.modules():
                if isinstance(part, nn.Conv2d):
                    fan_out = part.out_channels * math.prod(part.kernel_size)
                    part.weight.normal_(0, math.sqrt(2 / fan_out))
    return made
