"""Pyramids as one vector a position, image by image."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from medad.backbones.pyramid import aggregate
from medad.detectors.scores import Pyramid
from medad.errors import MedadError
from medad.room import Room

Align = Literal["bilinear", "nearest"]  # how a coarse layer comes to a finer grid


def positions(
    pyramid: Pyramid, layers: tuple[int, ...], pool: int, device: str, align: Align = "bilinear"
) -> Iterator[Tensor]:
    """For each image its (C, h, w) features on the grid of the finest of ``layers``; see
    ``medad.backbones.pyramid.aggregate``.

    Channels last in memory, so that ``vectors`` are a view. Made one image at a time: a kernel may
    round a batch differently from its parts. Raises MedadError on NaN or infinite features and on
    layers that the pyramid lacks.
    """
    for index in range(_size(pyramid, layers)):
        one = {layer: pyramid[layer][index : index + 1].to(device) for layer in layers}
        grid = aggregate(one, layers, min(layers), pool, align)[0]
        if not _finite(grid):
            raise MedadError(
                f"features of image {index} hold NaN or infinite values; check the backbone's "
                "weights and, for an adapted one, its learning rate"
            )
        yield grid


def stacked(
    pyramid: Pyramid,
    layers: tuple[int, ...],
    pool: int,
    room: Room | None,
    align: Align = "bilinear",
) -> NDArray[np.float32]:
    """``vectors`` of all images, one after another: (N * h * w, C), in memory or in ``room``."""
    size = _size(pyramid, layers)
    rows: NDArray[np.float32] | None = None
    for number, grid in enumerate(positions(pyramid, layers, pool, "cpu", align)):
        own = vectors(grid).numpy()
        if rows is None:
            shape = (size * len(own), own.shape[1])
            rows = np.empty(shape, np.float32) if room is None else room.empty(shape)
        rows[number * len(own) : (number + 1) * len(own)] = own
    if rows is None:
        raise MedadError("features of no image; a detector needs at least 1")
    return rows


def _size(pyramid: Pyramid, layers: tuple[int, ...]) -> int:
    """Number of images."""
    missing = [layer for layer in layers if layer not in pyramid]
    if missing:
        raise MedadError(f"layers {missing} are not in the features, which have {sorted(pyramid)}")
    return len(pyramid[layers[0]])


def vectors(grid: Tensor) -> Tensor:
    """(h * w, C): the vector of every position, row-major."""
    return grid.permute(1, 2, 0).reshape(-1, len(grid))


def _finite(grid: Tensor) -> bool:
    if grid.device.type != "cpu":
        return bool(grid.isfinite().all())
    values = vectors(grid).numpy()
    # One quick pass, of numpy: threads of torch delay those of BLAS, which comes next.
    with np.errstate(over="ignore", invalid="ignore"):
        return bool(np.isfinite(values.sum()) or np.isfinite(values).all())
