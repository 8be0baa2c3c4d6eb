"""Feature pyramids: several layers of many images, and one grid made of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from medad.backbones.preprocess import normalise
from medad.backbones.resnet import Trunk
from medad.errors import MedadError


@torch.no_grad()
def features(
    trunk: Trunk,
    images: np.ndarray[Any, Any],
    layers: Sequence[int],
    device: str = "cpu",
    batch: int = 16,
) -> dict[int, Tensor]:
    """Features of ``images`` (uint8, (N, H, W, 3) or (N, H, W)) on the CPU.

    Returns layer -> (N, C, h, w) float32, channels last in memory. ``batch`` images are computed at
    a time; it bounds memory and may change the last bits. The trunk is moved to ``device`` and
    stays there.
    """
    place(trunk, device)
    parts: dict[int, list[Tensor]] = {layer: [] for layer in layers}
    for start in range(0, len(images), batch):
        for layer, output in embed(trunk, images[start : start + batch], layers, device).items():
            parts[layer].append(output)
    return {layer: torch.cat(chunks) for layer, chunks in parts.items()}


def place(trunk: Trunk, device: str) -> None:
    """Move a trunk to ``device``, channels last: the layout that kernels compute in."""
    trunk.to(device)
    trunk.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


@torch.no_grad()
def embed(
    trunk: Trunk, images: np.ndarray[Any, Any], layers: Sequence[int], device: str
) -> dict[int, Tensor]:
    """``features`` of one batch by a trunk that was placed."""
    outputs = trunk(normalise(images, trunk.spec.normalisation).to(device), layers)
    last = torch.channels_last
    return {k: output.float().cpu().contiguous(memory_format=last) for k, output in outputs.items()}


def aggregate(
    pyramid: Mapping[int, Tensor],
    layers: Sequence[int],
    grid_layer: int,
    pool: int,
    align: Literal["bilinear", "nearest"] = "bilinear",
) -> Tensor:
    """(N, C_total, h, w): ``layers`` pooled, brought to one grid and concatenated in that order.

    Channels last in memory: every position is one vector.

    ``pool``: side of the average pooling with stride 1, PatchCore's neighbourhood (Roth et al.
    2022, eq. 1 and 2); odd, 1 is none. As in anomalib, the zeros of the padding count. Layers are
    resized to the grid of ``grid_layer``: bilinearly (corners not aligned), or every position
    takes the nearest.
    """
    if pool % 2 == 0:
        raise MedadError(f"pool: got {pool}, allowed are odd sides; 1 is no pooling")
    grid = pyramid[grid_layer].shape[-2:]
    maps = []
    for layer in layers:
        x = pyramid[layer].contiguous(memory_format=torch.channels_last)
        x = torch.nn.functional.avg_pool2d(x, pool, 1, pool // 2)
        if x.shape[-2:] != grid:
            corners = False if align == "bilinear" else None
            x = torch.nn.functional.interpolate(x, grid, mode=align, align_corners=corners)
        maps.append(x)
    return torch.cat(maps, 1)
