"""Greedy k-center: the subset of a feature bank that leaves no feature far from it.

Sener and Savarese, Active Learning for Convolutional Neural Networks, ICLR 2018, algorithm 1; the
subsampling of PatchCore (Roth et al., CVPR 2022, algorithm 1), without random projection.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from medad.errors import MedadError
from medad.neighbors import rounding

_LARGEST_BLOCK = 1024  # beyond, the distances within a block cost more than the passes saved
_Floats = NDArray[np.float64]
_Singles = NDArray[np.float32]
_Indices = NDArray[np.int64]


def squared_distances(a: _Singles, b: _Singles) -> _Floats:
    """Squared distance of row to row, (n, D) and (n, D) or (1, D) -> (n,): what decides.

    Differences and sums are float64, and a row's value does not depend on the other rows.
    """
    squares: _Floats = np.square(a.astype(np.float64) - b)
    return squares.sum(axis=1)  # type: ignore[no-any-return]


def greedy(
    features: _Singles, count: int, start: int, *, block: int = 256, memory: int = 1 << 25
) -> _Indices:
    """Indices of ``count`` features, each the farthest from those before it.

    ``features``: (N, D) float32, finite; a memory map is read in pieces. ``start``: the first
    index. ``block``: points looked at together at first; changes the time only. ``memory``: bytes
    of working memory beyond a few values a feature, the chosen ones and a block, about.

    Returns (count,) int64 without repeats, in the order chosen; ties go to the lowest index. The
    order for a smaller ``count`` is a prefix of the order for a larger one. It is exactly the order
    of the naive algorithm that keeps, in float64 (`squared_distances`), every feature's distance to
    its nearest chosen one and takes the largest, whatever the number of threads.

    Distances to the nearest chosen feature only fall, so the points whose upper bounds are largest
    contain the next choices for as long as their exact maximum reaches the largest bound outside:
    one pass over all N serves many choices instead of one.

    Raises MedadError on NaN, infinite or absurdly large features, ValueError on a ``count`` or
    ``start`` out of range.
    """
    if not (1 <= count <= len(features) and 0 <= start < len(features)):
        raise ValueError(f"count {count} or start {start} does not fit {len(features)} features")
    search = _Search(features, count, memory)
    search.choose(np.array([start]))
    while search.done < count:
        inside = search.largest(block)
        bound, rival = search.outside(inside)
        picks = _pick(search, inside, bound, rival, count - search.done)
        search.choose(picks)
        if 2 * len(picks) > len(inside):
            block = min(2 * block, _LARGEST_BLOCK)
        elif 8 * len(picks) < len(inside):
            block = max(64, block // 2)
    return search.order


def _pick(search: _Search, inside: _Indices, bound: float, rival: int, limit: int) -> _Indices:
    """The next choices that are certain from the points ``inside`` alone, in order.

    ``bound``: no point outside is farther than this, and none with an index below ``rival`` is as
    far. Leaves the exact distances of ``inside``, after those choices, in ``search``.
    """
    nearest = search.settle(inside)
    rows = search.rows(inside)
    approximate = search.between(inside)
    margin = search.margin[inside]
    picks: list[int] = []
    while len(picks) < limit:
        best = int(np.argmax(nearest))  # the first of equals, and `inside` ascends
        if (nearest[best], -inside[best]) < (bound, -rival) or nearest[best] < 0:
            break
        picks.append(int(inside[best]))
        closer = np.flatnonzero(approximate[best] - margin < nearest)
        exact = squared_distances(rows[closer], rows[best : best + 1])
        nearest[closer] = np.minimum(nearest[closer], exact)
        nearest[best] = -np.inf
    search.upper[inside] = nearest
    search.exact[inside] = True
    search.fresh = inside
    return np.array(picks, dtype=np.int64)


class _Search:
    """Upper bounds on every feature's squared distance to its nearest chosen one.

    ``upper`` (N,) float64 is that distance where ``exact``, and -inf for chosen features.
    ``margin`` (N,) is the error of an approximate squared distance of that feature to any other.
    """

    def __init__(self, features: _Singles, count: int, memory: int) -> None:
        size, dimension = features.shape
        self.features = features
        self.chunk = max(16, memory // (4 * dimension * 4))
        self.memory = memory
        self.order: _Indices = np.zeros(count, dtype=np.int64)
        self.done = 0
        self.fresh: _Indices = np.zeros(0, dtype=np.int64)
        self.upper: _Floats = np.full(size, np.inf)
        self.exact = np.zeros(size, dtype=np.bool_)
        total = np.zeros(dimension)
        for part in self._parts(self.chunk):
            piece = features[part]
            # NaN fails the comparison too.
            if not (np.abs(piece) <= rounding.LARGEST).all():
                raise MedadError(
                    "features hold NaN, infinite or very large values (over 1e15); "
                    "check the backbone's weights and the images"
                )
            total += piece.sum(axis=0, dtype=np.float64)
        self.mean: _Singles = (total / size).astype(np.float32)
        self.norms: _Floats = np.empty(size)
        for part in self._parts(self.chunk):
            self.norms[part] = np.square(self.rows(part, centred=True), dtype=np.float64).sum(1)
        longest = float(np.sqrt(self.norms.max()))
        self.margin = rounding.bound(np.sqrt(self.norms), longest, dimension)
        self.centres: _Singles = np.empty((count, dimension), dtype=np.float32)

    def _parts(self, rows: int) -> list[slice]:
        return [slice(a, a + rows) for a in range(0, len(self.features), rows)]

    def rows(self, which: _Indices | slice, centred: bool = False) -> _Singles:
        """Features as they are, or less their mean: shorter vectors have smaller errors."""
        rows = np.asarray(self.features[which])
        return rows - self.mean if centred else rows

    def between(self, inside: _Indices) -> _Singles:
        """Approximate squared distances (n, n), each within the ``margin`` of its row."""
        product = self._less_own(inside, self.rows(inside, centred=True), inside)
        product += self.norms[inside, None].astype(np.float32)
        return product

    def _less_own(self, which: _Indices | slice, centres: _Singles, chosen: _Indices) -> _Singles:
        """Approximate squared distances to ``chosen``, less every row's own squared norm."""
        product = self.rows(which, centred=True) @ (np.float32(-2) * centres).T
        product += self.norms[chosen].astype(np.float32)
        return product

    def choose(self, picks: _Indices) -> None:
        """Append choices and lower every bound; ``fresh`` points know of them already."""
        begin, end = self.done, self.done + len(picks)
        self.order[begin:end] = picks
        self.done = end
        if begin == end or end == len(self.order):  # nothing new, or nobody asks any more
            return
        centres = self.rows(picks, centred=True)
        self.centres[begin:end] = centres
        known = self.upper[self.fresh].copy()
        rows = max(16, self.memory // (4 * (len(picks) + self.features.shape[1])))
        for part in self._parts(rows):
            near = self._less_own(part, centres, picks).min(axis=1) + self.norms[part]
            touched = near - self.margin[part] < self.upper[part]
            self.exact[part] &= ~touched
            self.upper[part] = np.minimum(self.upper[part], near + self.margin[part])
        self.upper[self.fresh] = known
        self.exact[self.fresh] = True
        self.upper[picks] = -np.inf

    def largest(self, size: int) -> _Indices:
        """Ascending indices of the points of largest bound; of equals, the lowest indices."""
        size = min(size, len(self.upper) - self.done)
        least = np.partition(self.upper, -size)[-size]
        above = np.flatnonzero(self.upper > least)
        equal = np.flatnonzero(self.upper == least)[: size - len(above)]
        return np.sort(np.concatenate([above, equal]))

    def outside(self, inside: _Indices) -> tuple[float, int]:
        """Largest bound outside ``inside``, and the lowest index that has it."""
        rest = self.upper.copy()
        rest[inside] = -np.inf
        rival = int(np.argmax(rest))
        return float(rest[rival]), rival

    def settle(self, inside: _Indices) -> _Floats:
        """Exact squared distances of ``inside`` to their nearest chosen feature."""
        todo = inside[~self.exact[inside]]
        chosen = self.order[: self.done]
        rows = max(16, self.memory // (8 * self.done))
        for part in np.split(todo, range(rows, len(todo), rows)):
            near = self._less_own(part, self.centres[: self.done], chosen)
            # The nearest is at most two margins above the smallest approximation.
            limit = near.min(axis=1) + 2 * self.margin[part]
            row, column = np.nonzero(near <= limit[:, None])
            result = np.full(len(part), np.inf)
            for at in range(0, len(row), self.chunk):
                r, c = row[at : at + self.chunk], column[at : at + self.chunk]
                values = squared_distances(self.rows(part[r]), self.rows(chosen[c]))
                np.minimum.at(result, r, values)
            self.upper[part] = result
        return self.upper[inside]
