"""The nested decoder of UNet++ (Zhou et al. 2018, section 3.1), on features of any encoder."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Generator, Tensor, nn


class _Node(nn.Module):
    """Two times convolution 3x3, batch normalisation and ReLU, after upsampling and joining.

    Statistics are always those of the batch: the networks here are trained from few images, and
    only their encoder is used afterwards.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs, track_running_stats=False)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs, track_running_stats=False)

    def forward(self, below: Tensor, skips: Sequence[Tensor], size: Sequence[int]) -> Tensor:
        x = nn.functional.interpolate(below, list(size), mode="nearest")
        x = torch.cat([x, *skips], 1)
        x = nn.functional.relu(self.bn1(self.conv1(x)), inplace=True)
        return nn.functional.relu(self.bn2(self.conv2(x)), inplace=True)


class NestedDecoder(nn.Module):
    """From the features of an encoder's levels to features of the image's size.

    ``encoder``: channels of its levels 0 to n, level i being 2^(i+1) times smaller than the image.
    ``widths``: n + 1 channels, of the last column of the levels n-1 to 0, then of the output.

    Column 0 of the levels is the encoder. The node in column j of level i joins the node (i+1,
    j-1), enlarged by the nearest pixel, with the nodes (i, j-1) to (i, 0). Inner columns have as
    many channels as their level of the encoder. One more node enlarges (0, n) to the image.
    """

    def __init__(self, encoder: Sequence[int], widths: Sequence[int]) -> None:
        super().__init__()
        self.deepest = len(encoder) - 1

        def channels(level: int, column: int) -> int:
            last = 0 < column == self.deepest - level
            return widths[self.deepest - 1 - level] if last else encoder[level]

        self.nodes = nn.ModuleDict()
        for level in range(self.deepest):
            for column in range(1, self.deepest - level + 1):
                inputs = channels(level + 1, column - 1) + column * encoder[level]
                self.nodes[f"{level}_{column}"] = _Node(inputs, channels(level, column))
        self.output = _Node(widths[-2], widths[-1])

    def forward(self, features: Sequence[Tensor], size: Sequence[int]) -> Tensor:
        """(N, widths[-1], *size) from ``features`` of the levels 0 to n; ``size``: the image's."""
        rows = [[feature] for feature in features]
        for column in range(1, self.deepest + 1):
            for level in range(self.deepest - column + 1):
                node = self.nodes[f"{level}_{column}"]
                skips = rows[level][::-1]
                rows[level].append(node(rows[level + 1][-1], skips, features[level].shape[-2:]))
        made: Tensor = self.output(rows[0][-1], [], size)
        return made


@torch.no_grad()
def initialise(decoder: NestedDecoder, generator: Generator) -> None:
    """Convolutions uniform by He et al. 2015 over the inputs, norms at weight 1 and bias 0."""
    for module in decoder.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_uniform_(module.weight, nonlinearity="relu", generator=generator)
        elif isinstance(module, nn.BatchNorm2d):
            module.weight.fill_(1.0)
            module.bias.zero_()
