"""From stored images to what a trunk sees."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from medad.backbones.spec import Normalisation
from medad.errors import MedadError

# Mean and standard deviation of the channels, of pixels from 0 to 1.
MOMENTS: dict[Normalisation, tuple[tuple[float, ...], tuple[float, ...]]] = {
    "imagenet": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    "half": ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
}


def normalise(
    images: np.ndarray[Any, Any] | Tensor, normalisation: Normalisation = "imagenet"
) -> Tensor:
    """(N, 3, H, W) float32, channels last, less a mean and divided by a standard deviation.

    ``images``: uint8, (N, H, W, 3) in RGB order or (N, H, W), a grey channel being repeated.
    ``normalisation``: with those of ImageNet, or ``half``, which brings pixels to -1 to 1.
    """
    pixels = torch.as_tensor(np.ascontiguousarray(images) if _is_array(images) else images)
    if (
        pixels.dtype != torch.uint8
        or pixels.ndim not in (3, 4)
        or pixels.shape[3:] not in ((), (3,))
    ):
        raise MedadError(
            f"images must be uint8 of shape (N, H, W) or (N, H, W, 3), got {pixels.dtype} "
            f"{tuple(pixels.shape)}"
        )
    if pixels.ndim == 3:
        pixels = pixels[..., None].repeat(1, 1, 1, 3)
    # In place, in the layout CPU and GPU kernels compute in: seldom through memory.
    scaled = pixels.float().div_(255)
    mean, std = (torch.tensor(values, device=scaled.device) for values in MOMENTS[normalisation])
    return scaled.sub_(mean).div_(std).permute(0, 3, 1, 2)


def _is_array(images: object) -> bool:
    return isinstance(images, np.ndarray)
