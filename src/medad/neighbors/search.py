"""Exact nearest neighbours in Euclidean distance."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from medad.errors import MedadError
from medad.neighbors import rounding
from medad.neighbors.product import (
    Floats,
    Integers,
    Singles,
    left,
    lengths,
    right,
    squared_distances,
    times,
)


class Index:
    """A bank (M, D) float32, made ready once for many searches, on its device.

    Raises MedadError on an empty bank and on NaN, infinite or absurdly large values.
    """

    def __init__(self, bank: Tensor) -> None:
        if not len(bank):
            raise MedadError("a bank of no features; it needs at least 1")
        _require_usable(bank, "bank")
        self.bank = bank
        if bank.device.type == "cpu":
            self.middle: Singles = bank.numpy().mean(axis=0)
            entries = left(bank.numpy(), self.middle)
            self.columns, self.longest = right(entries), float(lengths(entries).max())

    def nearest(self, queries: Tensor, k: int, *, memory: int = 1 << 24) -> tuple[Tensor, Tensor]:
        """The ``k`` nearest rows of the bank to every row of ``queries``, nearest first.

        ``queries``: (Q, D) float32 on the bank's device. ``memory``: bytes of working memory,
        about; changes the time only.

        Returns Euclidean distances (Q, k) float64 and indices (Q, k) int64, with k no larger than
        M: a bank of fewer entries gives all of them. Ties go to the lowest index.

        A float32 matrix product finds the few candidates it cannot tell apart from the nearest;
        differences in float64 decide among them. A query's answer therefore does not depend on the
        other queries or the number of threads, and the distance to an identical row is exactly 0.

        Raises MedadError on NaN, infinite or absurdly large values.
        """
        if k < 1:
            raise MedadError(f"{k} neighbours asked for; it must be at least 1")
        k = min(k, len(self.bank))
        if not len(queries):
            return queries.new_empty(0, k).double(), queries.new_empty(0, k).long()
        rows = max(1, memory // (4 * len(self.bank)))
        if queries.device.type == "cpu":
            squares, indices = self._on_cpu(queries.numpy(), k, rows)
            return torch.from_numpy(np.sqrt(squares)), torch.from_numpy(indices)
        _require_usable(queries, "image")
        return on_device(queries, self.bank, k, rows)

    def _on_cpu(self, queries: Singles, k: int, rows: int) -> tuple[Floats, Integers]:
        """Squared distances and indices; numpy alone, since torch's threads delay those of BLAS."""
        bank = self.bank.numpy()
        buffer = np.empty(min(rows, len(queries)) * len(bank), np.float32)
        squares, indices = np.empty((len(queries), k)), np.empty((len(queries), k), np.int64)
        for begin in range(0, len(queries), rows):
            part = slice(begin, begin + rows)
            points = left(queries[part], self.middle)
            # Less each query's own squared length, which is the same for all its candidates.
            values = times(points, self.columns, buffer)
            long = lengths(points)
            # They tell without another pass; NaN fails the comparison.
            if not (long <= rounding.LARGEST).all():
                _require_usable(torch.from_numpy(queries[part]), "image")
            margin = rounding.bound(long, self.longest, bank.shape[1])
            squares[part], indices[part] = _smallest(values, 2 * margin, queries[part], bank, k)
        return squares, indices


def nearest(
    queries: Tensor, bank: Tensor, k: int, *, memory: int = 1 << 24
) -> tuple[Tensor, Tensor]:
    """``Index(bank).nearest(queries, k)``."""
    return Index(bank).nearest(queries, k, memory=memory)


def _smallest(
    values: Singles, doubt: Floats, queries: Singles, bank: Singles, k: int
) -> tuple[Floats, Integers]:
    """The k smallest of each row of approximations ``values``, which is used up, decided exactly.

    ``doubt``: (n,) what an approximation must be larger by than another to be so in truth.
    """
    every = np.arange(len(values))
    indices = np.empty((len(values), k), np.int64)
    for number in range(k):
        indices[:, number] = values.argmin(axis=1)
        least = values[every, indices[:, number]]
        values[every, indices[:, number]] = np.inf
    limit = least + doubt
    columns = [squared_distances(queries, bank, indices[:, number]) for number in range(k)]
    squares = np.stack(columns, axis=1)
    if k > 1:
        order = np.lexsort((indices, squares), axis=1)
        squares = np.take_along_axis(squares, order, 1)
        indices = np.take_along_axis(indices, order, 1)
    for row in np.flatnonzero(values.min(axis=1) <= limit):
        values[row, indices[row]] = -np.inf
        candidates = np.flatnonzero(values[row] <= limit[row])  # ascending
        same = np.broadcast_to(queries[row], (len(candidates), queries.shape[1]))
        found = squared_distances(same, bank, candidates)
        order = found.argsort(kind="stable")[:k]
        squares[row], indices[row] = found[order], candidates[order]
    return squares, indices


def on_device(queries: Tensor, bank: Tensor, k: int, rows: int) -> tuple[Tensor, Tensor]:
    """As ``nearest``, with torch alone, where the tensors are; ``rows`` queries at a time."""
    middle = bank.mean(0)
    entries = bank - middle
    norms = torch.linalg.vector_norm(entries, dim=1, dtype=torch.float64)
    columns = torch.cat([-2 * entries, norms.square().float()[:, None]], 1)
    found = [
        _candidates(part, bank, middle, columns, norms.max(), k)
        for part in torch.split(queries, rows)
    ]
    return torch.cat([part[0] for part in found]), torch.cat([part[1] for part in found])


def _candidates(
    queries: Tensor, bank: Tensor, middle: Tensor, columns: Tensor, longest: Tensor, k: int
) -> tuple[Tensor, Tensor]:
    points = queries - middle
    lengths = torch.linalg.vector_norm(points, dim=1, dtype=torch.float64)
    values = torch.cat([points, points.new_ones(len(points), 1)], 1) @ columns.T
    # The k-th nearest is at most two margins above the k-th smallest approximation.
    smallest = values.topk(k, dim=1, largest=False).values[:, -1]
    margin = rounding.bound(lengths, float(longest), bank.shape[1])
    row, column = torch.nonzero(values.double() <= (smallest + 2 * margin)[:, None], as_tuple=True)
    squares = (queries[row].double() - bank[column]).square().sum(1)
    # Columns ascend within a row, so stable sorting leaves ties in the order of the bank.
    order = squares.argsort(stable=True)
    order = order[row[order].argsort(stable=True)]
    counts = torch.bincount(row, minlength=len(queries))
    first = counts.cumsum(0) - counts
    chosen = order[first[:, None] + torch.arange(k, device=order.device)]
    return squares[chosen].sqrt(), column[chosen]


def _require_usable(values: Tensor, name: str) -> None:
    if values.device.type == "cpu":
        least, most = float(values.numpy().min()), float(values.numpy().max())
    else:
        least, most = (float(value) for value in torch.aminmax(values))
    # NaN fails the comparison too.
    if not (least >= -rounding.LARGEST and most <= rounding.LARGEST):
        raise MedadError(
            f"{name} features hold NaN, infinite or very large values (over 1e15); "
            "check the backbone's weights and the images"
        )
