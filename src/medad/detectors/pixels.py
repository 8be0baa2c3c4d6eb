"""Images as a generative network sees them, and back."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from medad.data.images import square
from medad.detectors.images import Images


def to_pixels(images: Images, resolution: int, device: str) -> Tensor:
    """(N, 3, resolution, resolution) float32 in [-1, 1].

    ``images`` are uint8 (N, side, side, 3), resized by ``medad.data.images.square``: by area where
    they shrink.
    """
    small = np.stack([square(image, resolution) for image in images])
    values = torch.from_numpy(small).to(device).float().div_(127.5).sub_(1)
    return values.permute(0, 3, 1, 2).contiguous()


def to_images(pixels: Tensor) -> Images:
    """uint8 (N, side, side, 3) of (N, 3, side, side) in [-1, 1], rounded."""
    values = pixels.add(1).mul(127.5).round().clamp(0, 255).byte()
    return np.ascontiguousarray(values.permute(0, 2, 3, 1).cpu().numpy())
