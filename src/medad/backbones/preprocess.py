"""From stored images to what a trunk sees."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from medad.errors import MedadError

MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)


def normalise(images: np.ndarray[Any, Any] | Tensor) -> Tensor:
    """(N, 3, H, W) float32, channels last, with ImageNet mean and standard deviation.

    ``images``: uint8, (N, H, W, 3) in RGB order or (N, H, W), a grey channel being repeated.
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
    mean, std = (torch.tensor(values, device=scaled.device) for values in (MEAN, STD))
    return scaled.sub_(mean).div_(std).permute(0, 3, 1, 2)


def _is_array(images: object) -> bool:
    return isinstance(images, np.ndarray)
