"""The two nearest of the chosen features, by product, on the CPU or on another device.

With the names of ``medad.neighbors.product``. Both classes give the same up to the rounding of the
product, whose bound (``medad.neighbors.rounding``) holds for float32 and not for TF32, which torch
leaves off unless told.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from medad.neighbors.product import Integers, Singles, times

if TYPE_CHECKING:
    from torch import Tensor

Counts = NDArray[np.int32]
Two = tuple[Integers, Singles, Singles]


class OnCpu:
    """Compares by numpy's BLAS, in pieces that stay in the cache."""

    rows, centres = 2048, 1024  # of one product, at most

    def __init__(self, columns: Singles) -> None:
        """``columns``: ``product.right`` of the choices, in the making: (count, D + 1)."""
        self.columns = columns
        self.buffer: Singles = np.empty(self.rows * self.centres, np.float32)

    def update(self, begin: int, end: int) -> None:
        """Take over the columns of these numbers, which are now known."""

    def place(self, rows: Singles) -> Singles:
        """``product.left`` rows where they are compared."""
        return rows

    def two_nearest(self, rows: Singles, begin: int, end: int, seen: Counts) -> Two:
        """(n,) number and value of the nearest of the choices ``begin`` to ``end``, and the second.

        Of all choices a row has seen the first ``seen`` (n,), which ascend: they are left out.
        Where none is left the values are infinite.
        """
        values = times(rows, self.columns[begin:end], self.buffer)
        known, starts = np.unique(seen, return_index=True)
        for number, start, stop in zip(known - begin, starts, [*starts[1:], None], strict=True):
            values[start:stop, : max(0, number)] = np.inf
        every = np.arange(len(rows))
        owner = values.argmin(axis=1)
        first = values[every, owner]
        values[every, owner] = np.inf
        return owner + begin, first, values.min(axis=1)


class OnDevice:
    """The same by torch, in larger pieces."""

    rows, centres = 1 << 16, 1 << 12

    def __init__(self, columns: Singles, device: str) -> None:
        import torch

        self.host, self.device = columns, device
        self.columns = torch.empty(columns.shape, device=device)

    def update(self, begin: int, end: int) -> None:
        """As ``OnCpu``."""
        self.columns[begin:end] = self.place(self.host[begin:end])

    def place(self, rows: Singles) -> Tensor:
        """As ``OnCpu``."""
        import torch

        return torch.from_numpy(rows).to(self.device)

    def two_nearest(self, rows: Tensor, begin: int, end: int, seen: Counts) -> Two:
        """As ``OnCpu``; of equal values either may be the nearest."""
        import torch

        values = rows @ self.columns[begin:end].T
        if seen[-1] > begin:
            numbers = torch.arange(begin, end, device=self.device)
            known = torch.from_numpy(seen).to(self.device)
            values.masked_fill_(numbers < known[:, None], torch.inf)
        two = values.topk(min(2, end - begin), dim=1, largest=False)
        owner, found = two.indices[:, 0].cpu().numpy(), two.values.cpu().numpy()
        second: Any = found[:, 1] if end - begin > 1 else np.full(len(found), np.inf, np.float32)
        return owner + begin, found[:, 0], second
