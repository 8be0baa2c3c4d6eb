"""Networks of Patch SVDD: an encoder of patches of 32 and 64 pixels, and what it is asked.

Yi and Yoon, Patch SVDD: Patch-level SVDD for Anomaly Detection and Segmentation, ACCV 2020, and
the authors' code.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

SMALL, LARGE = 32, 64  # pixels, sides of the two patches
STEP = 2  # pixels between neighbouring outputs of ``Encoder.small``
_SLOPE = 0.1
_WIDTHS = (32, 64, 128, 128, 64, 32, 32)
_NEIGHBOURS = 8


class Encoder(nn.Module):
    """What a patch is: ``channels`` values in (-1, 1).

    No layer pads, so that the encoder on a whole image gives what it gives on every patch of it.
    ``width``: of the inner channels, fraction of the authors'.
    """

    def __init__(self, channels: int, width: float) -> None:
        super().__init__()
        inner = [max(4, round(width * count)) for count in _WIDTHS]
        counts = [3, *inner, channels]
        self.small_layers = nn.ModuleList(
            nn.Conv2d(before, after, 3, STEP if number == 0 else 1)
            for number, (before, after) in enumerate(pairwise(counts))
        )
        hidden = max(4, round(width * 128))
        self.quadrants = nn.Conv2d(channels, hidden, 2)
        self.large_layer = nn.Conv2d(hidden, channels, 1)

    def small(self, x: Tensor) -> Tensor:
        """(N, 3, H, W) to (N, channels, (H - 32) / 2 + 1, ...): patches of 32 pixels, 2 apart."""
        for layer in list(self.small_layers)[:-1]:
            x = functional.leaky_relu(layer(x), _SLOPE, inplace=True)
        return torch.tanh(self.small_layers[-1](x))

    def large(self, small: Tensor) -> Tensor:
        """Patches of 64 pixels, from ``small`` of the same image: as many apart as its positions.

        A patch is made of its four quadrants, which are 32 pixels apart.
        """
        # A dilated convolution takes exactly those: 16 outputs of the small encoder are 32 pixels.
        apart = SMALL // STEP
        hidden = functional.conv2d(
            small, self.quadrants.weight, self.quadrants.bias, dilation=(apart, apart)
        )
        return torch.tanh(self.large_layer(functional.leaky_relu(hidden, _SLOPE)))

    def of_patches(self, patches: Tensor) -> Tensor:
        """(N, channels) of patches (N, 3, side, side), side 32 or 64."""
        if patches.shape[-1] == SMALL:
            return self.small(patches).flatten(1)
        # Only the quadrants: the small encoder's other outputs would not be used.
        count = len(patches)
        quadrants = patches.reshape(count, 3, 2, SMALL, 2, SMALL)
        quadrants = quadrants.permute(0, 2, 4, 1, 3, 5).flatten(0, 2)
        found = self.small(quadrants).reshape(count, 2, 2, -1).permute(0, 3, 1, 2)
        hidden = functional.leaky_relu(self.quadrants(found), _SLOPE)
        return torch.tanh(self.large_layer(hidden)).flatten(1)


class Position(nn.Module):
    """Which of the eight neighbours of a patch another is, from the difference of their codes.

    In the authors' code the last layer's weights, divided by the lengths of their columns, get no
    gradient: they stay as drawn. With ``fixed`` they do so here.
    """

    def __init__(self, channels: int, fixed: bool) -> None:
        super().__init__()
        self.first = nn.Linear(channels, 128)
        self.second = nn.Linear(128, 128)
        self.last = nn.Linear(128, _NEIGHBOURS)
        if fixed:
            with torch.no_grad():
                self.last.weight /= self.last.weight.norm(dim=0, keepdim=True)
            self.last.weight.requires_grad_(False)

    def forward(self, one: Tensor, other: Tensor) -> Tensor:
        """(N, channels) twice to (N, 8) logits."""
        x = functional.leaky_relu(self.first(one - other), _SLOPE)
        x = functional.leaky_relu(self.second(x), _SLOPE)
        found: Tensor = self.last(x)
        return found
