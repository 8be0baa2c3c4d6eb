"""Pairs of patches that Patch SVDD learns from, and maps from the scores of patches."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

# Row and column of the neighbour of every class.
_AROUND = ((-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1))
_NOISE = 0.02  # sd, of images in [0, 1]: of a shift of each channel and of noise in each pixel


def neighbours(images: Tensor, size: int) -> tuple[Tensor, Tensor, Tensor]:
    """A patch of each image, one beside it, and which of the eight it is (N,) int64.

    The other lies 3/4 to 1 patch away in its direction, as far as the image reaches. Both get
    noise. Draws from torch's own generator. ``images``: (N, 3, H, W).
    """
    count = len(images)
    first = _corners(images, size)
    classes = torch.randint(len(_AROUND), (count,))
    direction = torch.tensor(_AROUND)[classes]
    away = 3 * size // 4 + torch.randint(size // 4, (count, 2))
    second = _inside(first + direction * away, images, size)
    patches = [_noisy(_cut(images, corners, size)) for corners in (first, second)]
    return patches[0], patches[1], classes.to(images.device)


def jittered(images: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """A patch of each image, and one moved by up to 1/32 of its side, but not by nothing."""
    first = _corners(images, size)
    reach = size // 32
    offsets = [(y, x) for y in range(-reach, reach + 1) for x in range(-reach, reach + 1)]
    offsets.remove((0, 0))
    moved = torch.tensor(offsets)[torch.randint(len(offsets), (len(images),))]
    second = _inside(first + moved, images, size)
    return _cut(images, first, size), _cut(images, second, size)


def _corners(images: Tensor, size: int) -> Tensor:
    height, width = images.shape[-2:]
    rows = torch.randint(height - size + 1, (len(images),))
    return torch.stack([rows, torch.randint(width - size + 1, (len(images),))], 1)


def _inside(corners: Tensor, images: Tensor, size: int) -> Tensor:
    limits = torch.tensor([images.shape[-2] - size, images.shape[-1] - size])
    return torch.minimum(corners.clamp(min=0), limits)


def _cut(images: Tensor, corners: Tensor, size: int) -> Tensor:
    cut = [
        image[:, row : row + size, column : column + size]
        for image, (row, column) in zip(images, corners.tolist(), strict=True)
    ]
    return torch.stack(cut)


def _noisy(patches: Tensor) -> Tensor:
    shift = torch.randn(*patches.shape[:2], 1, 1).to(patches.device)
    noise = torch.randn(patches.shape).to(patches.device)
    return patches + _NOISE * (shift + noise)


def spread(scores: NDArray[np.float64], side: int, size: int, step: int) -> NDArray[np.float64]:
    """(side, side): the mean score of the patches that cover a pixel, 0 where none does.

    ``scores``: (h, w) of patches of ``size`` pixels, ``step`` apart, the first at the corner.
    """
    # A patch adds its score to a box, which is four corners of a sum over rows and columns.
    total, covered = np.zeros((2, side + 1, side + 1))
    rows, columns = (step * np.arange(count) for count in scores.shape)
    for sums, values in ((total, scores), (covered, np.ones_like(scores))):
        for low_row, sign_row in ((0, 1), (size, -1)):
            for low_column, sign_column in ((0, 1), (size, -1)):
                places = np.ix_(rows + low_row, columns + low_column)
                np.add.at(sums, places, sign_row * sign_column * values)
    total, covered = (sums.cumsum(0).cumsum(1)[:side, :side] for sums in (total, covered))
    covered = covered.round()
    return np.divide(total, covered, out=np.zeros_like(total), where=covered > 0)
