"""Images as networks see them, and back."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from medad.data.images import square
from medad.detectors.images import Images
from medad.errors import MedadError


def to_pixels(images: Images, resolution: int, device: str) -> Tensor:
    """(N, 3, resolution, resolution) float32 in [-1, 1].

    ``images`` are uint8 (N, side, side, 3), resized by ``medad.data.images.square``: by area where
    they shrink.
    """
    small = np.stack([square(image, resolution) for image in images])
    values = torch.from_numpy(small).to(device).float().div_(127.5).sub_(1)
    return values.permute(0, 3, 1, 2).contiguous()


def to_unit(images: Images, side: int, device: str) -> Tensor:
    """(N, 3, side, side) float32 in [0, 1]; MedadError for images of another side or type."""
    require_side(images, side)
    pixels = torch.from_numpy(np.ascontiguousarray(images)).permute(0, 3, 1, 2)
    return pixels.to(device).float().contiguous() / 255


def require_side(images: Images, side: int) -> None:
    """MedadError unless images are uint8 (N, side, side, 3)."""
    if images.dtype != np.uint8 or images.shape[1:] != (side, side, 3):
        raise MedadError(
            f"images: got {images.dtype} {images.shape}, allowed: uint8 (N, {side}, {side}, 3)"
        )


def to_images(pixels: Tensor) -> Images:
    """uint8 (N, side, side, 3) of (N, 3, side, side) in [-1, 1], rounded."""
    values = pixels.add(1).mul(127.5).round().clamp(0, 255).byte()
    return np.ascontiguousarray(values.permute(0, 2, 3, 1).cpu().numpy())
