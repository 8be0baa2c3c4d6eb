"""d_pull and d_push: how far images are from the anchor's normal features.

CONSULT section 3.3 gives |x(i, j) - M|^2 and no more: neither which normal feature a position is
compared with, nor where, nor whether channels are summed. Every reading is an argument.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

from medad.errors import MedadError

Kind = Literal["aligned", "nearest", "global"]
Channels = Literal["mean", "sum"]

_SMALLEST = 1e-12
_ENTRIES = 1 << 24  # of one block of the position-by-reference product: 64 MiB in float32


def distance(
    features: Tensor,
    reference: Tensor,
    *,
    kind: Kind,
    squared: bool = True,
    channels: Channels = "mean",
    selected: Tensor | None = None,
) -> Tensor:
    """Mean distance of a batch to normal features: a scalar >= 0, higher is farther.

    ``features`` (B, C, h, w). ``reference``: the anchor's features (C, h, w), or a bank (M, C) of
    normal features, which has no positions and so no ``aligned``. ``kind``: ``aligned`` compares
    a position with the same one of the anchor, ``nearest`` with the closest of all references,
    ``global`` the mean feature of an image with the mean reference. ``squared``: squared
    distance, else its root. ``channels``: squared differences are averaged (as in a mean squared
    error) or summed (the Euclidean distance) over channels. ``selected``: bool (B, h, w), the
    positions that count; all when omitted.

    Positions are averaged in each image, then images. An image without a selected position does
    not count; if there is none at all the result is 0, without gradient. Roots are of at least
    1e-12, below which there is no gradient, so gradients are finite. Raises MedadError for an
    unknown reading, ValueError for shapes that do not fit.
    """
    _check(features, reference, kind, channels, selected)
    if selected is None:
        selected = torch.ones_like(features[:, 0], dtype=torch.bool)
    counts = selected.sum(dim=(1, 2))
    counted = counts > 0
    if not counted.any():
        return features.new_zeros(())
    if kind == "global":
        weights = selected[counted].unsqueeze(1)
        pooled = (features[counted] * weights).sum(dim=(2, 3)) / counts[counted, None]
        return _length(pooled - _rows(reference).mean(dim=0), squared, channels).mean()
    if kind == "aligned":
        values = _length((features - reference).movedim(1, -1), squared, channels)[selected]
    else:
        positions, bank = features.movedim(1, -1)[selected], _rows(reference)
        values = _length(positions - bank[_nearest(positions, bank)], squared, channels)
    image = selected.nonzero(as_tuple=True)[0]
    return (values / counts[image]).sum() / counted.sum()


def lesion_coverage(masks: Tensor, size: tuple[int, int]) -> Tensor:
    """Covered fraction (B, h, w), float32 in [0, 1], of every cell of a grid of ``size``.

    ``masks`` (B, H, W): 0 or 1, of any type.
    """
    return adaptive_avg_pool2d(masks.to(torch.float32).unsqueeze(1), size).squeeze(1)


def _length(difference: Tensor, squared: bool, channels: Channels) -> Tensor:
    """Squared length or length of differences (..., C), of shape (...)."""
    squares = difference.square()
    total = squares.mean(dim=-1) if channels == "mean" else squares.sum(dim=-1)
    return total if squared else total.clamp_min(_SMALLEST).sqrt()


def _rows(reference: Tensor) -> Tensor:
    """References (M, C) of an anchor (C, h, w) or of a bank (M, C)."""
    return reference.flatten(1).T if reference.ndim == 3 else reference


@torch.no_grad()
def _nearest(positions: Tensor, bank: Tensor) -> Tensor:
    """Index (P,) of the row of ``bank`` nearest to every row of ``positions`` (P, C).

    Only the choice uses the product form, which loses digits; the distance is taken directly.
    """
    lengths = bank.square().sum(dim=1)
    blocks = torch.split(positions, max(1, _ENTRIES // len(bank)))
    return torch.cat([torch.argmin(lengths - 2 * (block @ bank.T), dim=1) for block in blocks])


def _check(
    features: Tensor, reference: Tensor, kind: str, channels: str, selected: Tensor | None
) -> None:
    if kind not in ("aligned", "nearest", "global"):
        raise MedadError(f"distance: got {kind!r}, allowed: aligned, nearest, global")
    if channels not in ("mean", "sum"):
        raise MedadError(f"channels: got {channels!r}, allowed: mean, sum")
    batch, depth, height, width = features.shape
    bank = reference.ndim == 2 and kind != "aligned" and reference.shape[1] == depth
    sized = tuple(reference.shape) == (depth, height, width)
    if not (bank or sized) or not len(reference):
        raise ValueError(
            f"reference {tuple(reference.shape)} does not fit features {tuple(features.shape)} "
            f"for kind {kind!r}"
        )
    if selected is not None and (
        selected.dtype != torch.bool or tuple(selected.shape) != (batch, height, width)
    ):
        raise ValueError(
            f"selected: got {selected.dtype} {tuple(selected.shape)}, allowed: bool "
            f"{(batch, height, width)}"
        )
