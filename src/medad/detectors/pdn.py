"""The networks of EfficientAD: patch description networks and the auto-encoder.

Batzner et al., EfficientAD: Accurate Visual Anomaly Detection at Millisecond-Level Latencies, WACV
2024, tables 5 to 7 of the appendix; the authors' code where the two differ. Images are (N, 3, side,
side), normalised as ImageNet (``medad.backbones.preprocess``).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from medad.errors import MedadError

# (channels, kernel) of every convolution, None being the outputs; the first two are pooled.
_CONVOLUTIONS: dict[str, tuple[tuple[int | None, int], ...]] = {
    "small": ((128, 4), (256, 4), (256, 3), (None, 4)),
    "medium": ((256, 4), (512, 4), (512, 1), (512, 3), (None, 4), (None, 1)),
}
SIZES = tuple(_CONVOLUTIONS)
BORDER = 4  # positions of a grid of side / 4 that have no description, at every edge
LEAST_SIDE = 36  # pixels, for one position


def grid(side: int) -> int:
    """Positions along a side of the unpadded description of an image of ``side`` pixels."""
    return (side + 3) // 4 - 2 * BORDER


class PatchDescription(nn.Module):
    """A patch description network (PDN): 33 x 33 pixels -> ``outputs`` channels, stride 4.

    ``size``: small or medium. ``width``: the inner channels as a fraction of the paper's. Nothing
    is padded, so that padding cannot be told from an anomaly.
    """

    def __init__(self, size: str, outputs: int, width: float = 1.0) -> None:
        super().__init__()
        channels = 3
        for number, (inner, kernel) in enumerate(_CONVOLUTIONS[size], 1):
            wanted = outputs if inner is None else max(1, round(width * inner))
            self.add_module(f"conv{number}", nn.Conv2d(channels, wanted, kernel))
            channels = wanted
        self.last = len(_CONVOLUTIONS[size])

    def forward(self, x: Tensor, part: slice = slice(None)) -> Tensor:
        """(N, outputs, h, h), h = ``grid(side)``; of the outputs only ``part`` is computed."""
        for number in range(1, self.last):
            x = functional.relu(self._conv(number)(x))
            if number <= 2:
                x = functional.avg_pool2d(x, 2)
        last = self._conv(self.last)
        assert last.bias is not None
        return functional.conv2d(x, last.weight[part], last.bias[part])

    def _conv(self, number: int) -> nn.Conv2d:
        module = self.get_submodule(f"conv{number}")
        assert isinstance(module, nn.Conv2d)
        return module


def published(state: Mapping[str, Tensor], network: PatchDescription, origin: str) -> None:
    """Give ``network`` the weights of a published PDN.

    Names as in anomalib (``conv1.weight``) or as in the authors' files, whose layers are numbered
    in a sequence (``0.weight``, ``3.weight``, ...). MedadError, under ``origin``, for any others.
    """
    numbers = sorted({int(key.partition(".")[0]) for key in state if re.match(r"\d+\.", key)})
    names = {f"{number}.": f"conv{position}." for position, number in enumerate(numbers, 1)}
    given = {re.sub(r"^\d+\.", lambda m: names[m[0]], key): state[key].float() for key in state}
    found = {key: tuple(tensor.shape) for key, tensor in given.items()}
    wanted = {key: tuple(tensor.shape) for key, tensor in network.state_dict().items()}
    if found != wanted:
        different = sorted(
            f"{key} {found.get(key, 'missing')}, expected {wanted.get(key, 'none')}"
            for key in found.keys() | wanted.keys()
            if found.get(key) != wanted.get(key)
        )
        raise MedadError(
            f"{origin}: not this patch description network: {'; '.join(different[:4])}; give the "
            "file of this `size`, and set `channels` and `width` to its own: published, 384 and 1"
        )
    network.load_state_dict(given)


class AutoEncoder(nn.Module):
    """Convolutional auto-encoder: an image -> what the teacher would say of it.

    The encoder's last convolution covers the whole grid left to it, 8 x 8 for the paper's 256
    pixels, so that an image of any ``side`` passes through one vector of 64 numbers.
    """

    def __init__(self, side: int, outputs: int, dropout: float = 0.2) -> None:
        super().__init__()
        self.encoder = nn.ModuleList(
            nn.Conv2d(before, after, 4, 2, 1)
            for before, after in ((3, 32), (32, 32), (32, 64), (64, 64), (64, 64))
        )
        self.latent = nn.Conv2d(64, 64, side // 32)
        self.decoder = nn.ModuleList(nn.Conv2d(64, 64, 4, 1, 2) for _ in range(6))
        self.dropout = nn.Dropout(dropout)
        self.smooth = nn.Conv2d(64, 64, 3, 1, 1)
        self.head = nn.Conv2d(64, outputs, 3, 1, 1)
        # 3, 8, 15, 32, 63, 127 for 256 pixels; the convolutions after them add one.
        scales = ((64, 1), (32, 0), (16, 1), (8, 0), (4, 1), (2, 1))
        self.sizes = [max(1, side // scale - less) for scale, less in scales]
        self.grid = grid(side)

    def forward(self, x: Tensor) -> Tensor:
        """(N, outputs, h, h), h = ``grid(side)``."""
        for conv in self.encoder:
            x = functional.relu(conv(x))
        x = self.latent(x)
        for size, conv in zip(self.sizes, self.decoder, strict=True):
            x = self.dropout(functional.relu(conv(_resized(x, size))))
        return self.head(functional.relu(self.smooth(_resized(x, self.grid))))  # type: ignore[no-any-return]


def _resized(x: Tensor, size: int) -> Tensor:
    return torch.nn.functional.interpolate(x, (size, size), mode="bilinear", align_corners=False)
