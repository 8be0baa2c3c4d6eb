"""Exact nearest neighbours in Euclidean distance."""

from __future__ import annotations

import torch
from torch import Tensor

from medad.errors import MedadError
from medad.neighbors import rounding


def nearest(
    queries: Tensor, bank: Tensor, k: int, *, memory: int = 1 << 25
) -> tuple[Tensor, Tensor]:
    """The ``k`` nearest rows of ``bank`` to every row of ``queries``, nearest first.

    ``queries``: (Q, D) and ``bank``: (M, D), float32, on one device. ``memory``: bytes of working
    memory, about; changes the time only.

    Returns Euclidean distances (Q, k) float64 and indices (Q, k) int64, with k no larger than M:
    a bank of fewer entries gives all of them. Ties go to the lowest index.

    A float32 matrix product, the cost of a flat index, finds the few candidates it cannot tell
    apart from the nearest; differences in float64 decide among them. A query's answer therefore
    does not depend on the other queries or the number of threads, and the distance to an identical
    row is exactly 0.

    Raises MedadError on an empty bank and on NaN, infinite or absurdly large values.
    """
    if not len(bank) or k < 1:
        raise MedadError(f"{k} neighbours asked of {len(bank)} features; both must be at least 1")
    for values, name in ((queries, "image"), (bank, "bank")):
        if values.numel() and not _usable(values):
            raise MedadError(
                f"{name} features hold NaN, infinite or very large values (over 1e15); "
                "check the backbone's weights and the images"
            )
    k = min(k, len(bank))
    lengths = torch.linalg.vector_norm(bank, dim=1, dtype=torch.float64)
    longest = float(lengths.max())
    norms = lengths.square().float()
    rows = max(1, memory // (4 * len(bank)))
    parts = [
        _search(part, bank, norms, longest, k, memory)
        for part in torch.split(queries, rows)
        if len(part)
    ]
    if not parts:
        return queries.new_empty(0, k).double(), queries.new_empty(0, k).long()
    return torch.cat([part[0] for part in parts]), torch.cat([part[1] for part in parts])


def _search(
    queries: Tensor, bank: Tensor, norms: Tensor, longest: float, k: int, memory: int
) -> tuple[Tensor, Tensor]:
    lengths = torch.linalg.vector_norm(queries, dim=1, dtype=torch.float64)
    # The query's own norm is the same for all its candidates and left out.
    values = _product(queries, bank).mul_(-2).add_(norms)
    # The k-th nearest is at most two margins above the k-th smallest approximation.
    smallest = values.amin(1) if k == 1 else values.topk(k, dim=1, largest=False).values[:, -1]
    margin = rounding.bound(lengths, longest, bank.shape[1])
    limit = (smallest.double() + 2 * margin).to(values.dtype)
    limit = torch.nextafter(limit, torch.full_like(limit, torch.inf))
    row, column = torch.nonzero(values <= limit[:, None], as_tuple=True)
    exact = torch.cat(
        [
            queries[r].double().sub_(bank[c]).square_().sum(1)
            for r, c in zip(
                *(torch.split(x, _pairs(bank, memory)) for x in (row, column)), strict=True
            )
        ]
    )
    # Columns ascend within a row, so stable sorting leaves ties in the order of the bank.
    order = exact.argsort(stable=True)
    order = order[row[order].argsort(stable=True)]
    counts = torch.bincount(row, minlength=len(queries))
    first = counts.cumsum(0) - counts
    chosen = order[first[:, None] + torch.arange(k, device=order.device)]
    return exact[chosen].sqrt(), column[chosen]


def _usable(values: Tensor) -> bool:
    least, most = torch.aminmax(values)
    # NaN fails the comparisons too.
    return bool(least >= -rounding.LARGEST) and bool(most <= rounding.LARGEST)


def _pairs(bank: Tensor, memory: int) -> int:
    return max(1, memory // (24 * bank.shape[1]))


def _product(queries: Tensor, bank: Tensor) -> Tensor:
    """``queries @ bank.T``; on the CPU by numpy's BLAS, twice torch's speed on AMD."""
    if queries.device.type == "cpu":
        return torch.from_numpy(queries.numpy() @ bank.numpy().T)
    return queries @ bank.T
