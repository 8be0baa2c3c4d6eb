"""Squared distances: as float64 differences, which decide, and by one float32 matrix product.

Rows (x - m, 1) times (-2 (y - m), |y - m|^2) give |x - y|^2 less |x - m|^2, which is the same for
all y: after the product, the cost of a flat index, nothing is left to do but to compare.
``rounding.bound`` says how far off it can be.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Singles = NDArray[np.float32]
Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

_PIECE = 1 << 16  # elements compared in float64 at a time: they stay in the cache


def squared_distances(a: Singles, b: Singles, which: Integers) -> Floats:
    """Squared distance of every row of ``a`` (n, D) to row ``b[which]``, (n,) -> (n,): it decides.

    Differences and sums are float64, and a pair's value does not depend on the other pairs.
    """
    result = np.empty(len(a))
    rows = max(1, _PIECE // a.shape[1])
    for begin in range(0, len(a), rows):
        part = slice(begin, begin + rows)
        values = a[part].astype(np.float64)
        values -= b[which[part]]
        result[part] = np.square(values, out=values).sum(axis=1)
    return result


def left(points: Singles, middle: Singles) -> Singles:
    """(n, D + 1): ``points`` (n, D) less ``middle`` (D,), and a one."""
    rows = np.empty((len(points), points.shape[1] + 1), np.float32)
    np.subtract(points, middle, out=rows[:, :-1])
    rows[:, -1] = 1
    return rows


def right(rows: Singles) -> Singles:
    """(n, D + 1): of ``left``'s rows, their points times -2, and the squared length."""
    columns = -2 * rows
    columns[:, -1] = np.square(rows[:, :-1], dtype=np.float64).sum(axis=1)
    return columns


def lengths(rows: Singles) -> Floats:
    """Euclidean lengths (n,) of the points in ``left``'s rows, good to a thousandth or so."""
    points = rows[:, :-1]
    squares: Singles = np.einsum("ij,ij->i", points, points)
    return np.sqrt(squares.astype(np.float64))


def times(rows: Singles, columns: Singles, buffer: Singles) -> Singles:
    """``rows @ columns.T``, in the memory of the flat ``buffer``.

    By numpy's BLAS, on AMD twice the speed of torch's.
    """
    out = buffer[: len(rows) * len(columns)].reshape(len(rows), len(columns))
    # BLAS computes with what lies in unused lanes, and may say so.
    with np.errstate(invalid="ignore", over="ignore"):
        return np.matmul(rows, columns.T, out=out)
