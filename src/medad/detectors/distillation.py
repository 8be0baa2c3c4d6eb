"""EfficientAD's teacher: a patch description network taught the features of a ResNet trunk.

Batzner et al., WACV 2024, section 3.1 and algorithm 2 of the appendix, as in the authors' code:
layers 2 and 3 of a trunk that sees the image at twice the side, whose grid of stride 8 is then the
network's of stride 4.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from medad.backbones.pyramid import place
from medad.backbones.resnet import Trunk
from medad.detectors.alterations import normalised
from medad.detectors.pdn import BORDER, PatchDescription, grid
from medad.detectors.training import Training, run

LAYERS = (2, 3)
_PATCH = 1024  # channels of one layer's 3 x 3 patches, as in PatchCore
_LEAST = 1e-6  # of a standard deviation: a dead channel stays 0


class Pictures(NamedTuple):
    """The same images at ``side`` and at twice the side, (N, 3, ., .) float32 in [0, 1]."""

    small: Tensor
    large: Tensor


def enlarged(images: Tensor) -> Pictures:
    """Images that are only known at ``side``."""
    large = functional.interpolate(images, scale_factor=2, mode="bilinear", align_corners=False)
    return Pictures(images, large)


@torch.no_grad()
def described(trunk: Trunk, large: Tensor, channels: int) -> Tensor:
    """(N, channels, h, h): what the teacher is to say, h = ``grid`` of half the side of ``large``.

    Channels are averaged adaptively as PatchCore's code does, which the authors' uses: each layer's
    3 x 3 patches to 1024, both layers together to ``channels``. A random projection would mix
    channels too, but an average needs no draw and keeps features that are not negative so. The
    cells at the border are left out: an unpadded network does not describe them.
    """
    pyramid = trunk(normalised(large, trunk.spec.normalisation), LAYERS)
    first, second = (_patches(pyramid[layer]) for layer in LAYERS)
    second = _resized(second, first.shape[-1])
    both = _over_channels(torch.cat([first, second], 1), channels)
    both = _resized(both, grid(large.shape[-1] // 2) + 2 * BORDER)
    return both[:, :, BORDER:-BORDER, BORDER:-BORDER]


@torch.no_grad()
def statistics(maps: Iterable[Tensor]) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation (C, 1, 1) of each channel of maps (1, C, h, w).

    A deviation below 1e-6 is raised to it.
    """
    total = squares = torch.zeros(1, dtype=torch.float64)
    count = 0
    for each in maps:
        values = each.double()
        total = total.to(values.device) + values.sum((0, 2, 3))
        squares = squares.to(values.device) + values.square().sum((0, 2, 3))
        count += values[:, 0].numel()
    mean = total / count
    deviation = (squares / count - mean.square()).clamp(min=0).sqrt().clamp(min=_LEAST)
    return mean.float()[:, None, None], deviation.float()[:, None, None]


def distil(
    teacher: PatchDescription,
    trunk: Trunk,
    drawn: Callable[[], Pictures],
    seen: int,
    batch: int,
    optimizer: torch.optim.Optimizer,
    steps: int,
    training: Training,
) -> Mapping[str, Tensor]:
    """Teach ``teacher`` (already on the device) by ``steps`` steps of ``batch`` images.

    ``drawn()`` gives an image by torch's random functions. Every channel of the trunk is
    standardised by ``seen`` of them: views of a few shots, too, show more than the shots, on which
    some channels hardly vary. Returns the curve.
    """
    place(trunk, training.device)
    channels = len(teacher.state_dict()[f"conv{teacher.last}.bias"])
    with training.seeded("teacher statistics"):
        mean, deviation = statistics(described(trunk, drawn().large, channels) for _ in range(seen))

    def step(index: int) -> dict[str, float]:
        pictures = zip(*(drawn() for _ in range(batch)), strict=True)
        small, large = (torch.cat(images) for images in pictures)
        wanted = (described(trunk, large, channels) - mean) / deviation
        loss = (wanted - teacher(normalised(small))).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return {"distillation": loss.item()}

    return run(training, "teacher", {"teacher": teacher}, {"teacher": optimizer}, step, steps)


def _patches(x: Tensor) -> Tensor:
    """(N, C, h, w) -> (N, 1024, h, w): averages over the 9 C numbers of every 3 x 3 patch."""
    return _over_channels(
        functional.unfold(x, 3, padding=1).reshape(len(x), -1, *x.shape[-2:]), _PATCH
    )


def _over_channels(x: Tensor, channels: int) -> Tensor:
    pooled = functional.adaptive_avg_pool1d(x.flatten(2).mT, channels)
    return pooled.mT.reshape(len(x), channels, *x.shape[-2:])


def _resized(x: Tensor, size: int) -> Tensor:
    return functional.interpolate(x, (size, size), mode="bilinear", align_corners=False)
