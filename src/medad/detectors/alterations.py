"""Random changes of images that networks are trained on, drawn from torch's own functions.

Images are float32 (N, 3, side, side) in [0, 1], RGB; all of a batch are changed alike. Draws are
made on the CPU, so that a seed means the same changes on every device.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from medad.backbones.preprocess import MOMENTS
from medad.backbones.spec import Normalisation
from medad.errors import MedadError

_LUMA = (0.299, 0.587, 0.114)  # ITU-R 601, as Pillow and torchvision


@dataclass(frozen=True)
class Views:
    """Keys of ``views``: how much a view may differ from its image.

    ``crop``: smallest side of a square crop, fraction of the image's. ``rotate``: largest angle,
    degrees. ``flip``: probability, of each axis. ``tone``: largest change of brightness and of
    contrast, fraction.
    """

    crop: float
    rotate: float
    flip: float
    tone: float

    def __post_init__(self) -> None:
        if not 0 < self.crop <= 1:
            raise MedadError(f"views.crop: got {self.crop}, allowed: above 0, at most 1")
        if not 0 <= self.rotate <= 180:
            raise MedadError(f"views.rotate: got {self.rotate}, allowed: 0 to 180 degrees")
        for name, value in (("flip", self.flip), ("tone", self.tone)):
            if not 0 <= value <= 1:
                raise MedadError(f"views.{name}: got {value}, allowed: 0 to 1")


def normalised(images: Tensor, normalisation: Normalisation = "imagenet") -> Tensor:
    """Images in [0, 1] as a pretrained network sees them; ``medad.backbones.preprocess``."""
    moments = MOMENTS[normalisation]
    mean, std = (images.new_tensor(values)[:, None, None] for values in moments)
    return (images - mean) / std


def grey(images: Tensor) -> Tensor:
    """The luma of RGB images, in three equal channels."""
    luma = (images * images.new_tensor(_LUMA)[:, None, None]).sum(1, keepdim=True)
    return luma.expand_as(images)


def maybe_grey(images: Tensor, probability: float) -> Tensor:
    """``grey`` with this probability."""
    return grey(images) if torch.rand(()) < probability else images


def jitter(images: Tensor, strength: float) -> Tensor:
    """Brightness, contrast or saturation, one of them drawn, times U(1 - strength, 1 + strength).

    Each blends the image with black, with its mean luma or with its luma, clipped to [0, 1].
    """
    which = int(torch.randint(3, ()))
    factor = _between(1 - strength, 1 + strength)
    return blended(images, which, factor)


def blended(images: Tensor, which: int, factor: float) -> Tensor:
    """Brightness (``which`` 0), contrast (1) or saturation (2) times ``factor``."""
    if which == 0:
        other = torch.zeros_like(images)
    elif which == 1:
        other = grey(images).mean((1, 2, 3), keepdim=True)
    else:
        other = grey(images)
    return (factor * images + (1 - factor) * other).clamp(0, 1)


def view(images: Tensor, views: Views) -> Tensor:
    """A random crop, turned, perhaps mirrored and of another tone, at the size of the images.

    Beyond the frame the image is mirrored.
    """
    size = _between(views.crop, 1)
    angle = math.radians(_between(-views.rotate, views.rotate))
    flips = [-1.0 if torch.rand(()) < views.flip else 1.0 for _ in range(2)]
    shift = [_between(size - 1, 1 - size) for _ in range(2)]
    cos, sin = size * math.cos(angle), size * math.sin(angle)
    rows = [[cos * flips[0], -sin * flips[1], shift[0]], [sin * flips[0], cos * flips[1], shift[1]]]
    where = functional.affine_grid(
        images.new_tensor(rows).expand(len(images), 2, 3), list(images.shape), align_corners=False
    )
    moved = functional.grid_sample(
        images, where, mode="bilinear", padding_mode="reflection", align_corners=False
    )
    for which in (0, 1):
        moved = blended(moved, which, _between(1 - views.tone, 1 + views.tone))
    return moved


def _between(low: float, high: float) -> float:
    return low + (high - low) * float(torch.rand(()))
