"""Upper bounds on how far features are from the chosen ones, brought up to date where it matters.

Parts of ``medad.neighbors.coreset``. Squared distances throughout, with ``product``'s names: an
approximation is float32 and leaves out the row's own squared length until it becomes a bound.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from medad.errors import MedadError
from medad.neighbors import rounding
from medad.neighbors.chosen import OnCpu, OnDevice
from medad.neighbors.product import Floats, Integers, Singles, left, right, squared_distances

_FRONT = 8192  # points of a front, at least
_PER_POINT = ("upper", "exact", "first", "owner", "second", "seen", "norms", "margin")


class Bounds:
    """What is known of every feature, arrays (N,).

    ``upper``: a bound on its distance to the nearest of the first ``seen`` choices, the distance
    itself where ``exact``, -inf for choices. ``first``, ``owner``, ``second``: the smallest
    approximation among them, whose it is, and the next smallest. ``norms``: its squared length.
    ``margin``: the error of an approximation.
    """

    def __init__(
        self, features: Singles, count: int, start: int, memory: int, device: str = "cpu"
    ) -> None:
        size, dimension = features.shape
        self.features = features
        self.order: Integers = np.full(count, start)
        self.done = 1
        self.rows = max(16, memory // (8 * (dimension + 1)))  # in memory at a time
        self.middle = self._mean()
        self.columns: Singles = np.empty((count, dimension + 1), np.float32)
        plain = device == "cpu"
        self.chosen: Any = OnCpu(self.columns) if plain else OnDevice(self.columns, device)
        self.append(0, right(self.left(np.array([start]))))
        self.norms, self.first = np.empty(size), np.empty(size, np.float32)
        for part in self._parts():
            rows = self.left(part)
            self.norms[part] = np.square(rows[:, :-1], dtype=np.float64).sum(axis=1)
            self.first[part] = rows @ self.columns[0]
        own = np.sqrt(self.norms)
        self.margin = rounding.bound(own, float(own.max()), dimension)
        self.upper: Floats = self.first + self.norms + self.margin
        self.upper[start] = -np.inf
        self.exact = np.zeros(size, np.bool_)
        self.second: Singles = np.full(size, np.inf, np.float32)
        self.owner: NDArray[np.int32] = np.zeros(size, np.int32)
        self.seen: NDArray[np.int32] = np.ones(size, np.int32)

    def append(self, begin: int, columns: Singles) -> None:
        """Columns of the choices from number ``begin`` on."""
        end = begin + len(columns)
        self.columns[begin:end] = columns
        self.chosen.update(begin, end)

    def _parts(self) -> list[slice]:
        return [slice(a, a + self.rows) for a in range(0, len(self.features), self.rows)]

    def _mean(self) -> Singles:
        """What is taken off all features: shorter vectors have smaller errors."""
        total = np.zeros(self.features.shape[1])
        for part in self._parts():
            piece = self.features[part]
            # NaN fails the comparisons too.
            if not (piece.max() <= rounding.LARGEST and piece.min() >= -rounding.LARGEST):
                raise MedadError(
                    "features hold NaN, infinite or very large values (over 1e15); "
                    "check the backbone's weights and the images"
                )
            total += piece.sum(axis=0, dtype=np.float64)
        return (total / len(self.features)).astype(np.float32)

    def left(self, which: Integers | slice) -> Singles:
        """``product.left`` of these features."""
        return left(np.asarray(self.features[which]), self.middle)


class Front:
    """The points of largest bound, ascending in ``index``, with their features at hand."""

    upper: Floats
    exact: NDArray[np.bool_]
    first: Singles
    owner: NDArray[np.int32]
    second: Singles
    seen: NDArray[np.int32]
    norms: Floats
    margin: Floats

    def __init__(self, bounds: Bounds) -> None:
        """Compare the points with what was chosen since they were last, and keep the farthest."""
        self.bounds = bounds
        free = len(bounds.upper) - bounds.done
        size = min(free, bounds.rows, max(_FRONT, len(bounds.upper) // 16))
        self.index = _top(bounds.upper, size)
        self.outer = _largest_outside(bounds.upper, self.index)
        for name in _PER_POINT:
            setattr(self, name, getattr(bounds, name)[self.index])
        self.rows = bounds.left(self.index)
        self.placed = bounds.chosen.place(self.rows)
        late = np.flatnonzero(self.seen < bounds.done)
        late = late[np.argsort(self.seen[late], kind="stable")]
        step = bounds.chosen.rows
        for begin in range(0, len(late), step):
            self._catch_up(late[begin : begin + step])
        self._keep(self.upper >= self.outer[0])

    def _catch_up(self, which: Integers) -> None:
        """As long as these points can still be the farthest."""
        begin, rows = int(self.seen[which[0]]), self.placed[which]  # least seen first
        while begin < self.bounds.done and len(which):
            end = min(begin + self.bounds.chosen.centres, self.bounds.done)
            self._compare(which, rows, begin, end)
            self.seen[which] = np.maximum(self.seen[which], end)
            stay = np.flatnonzero(self.upper[which] >= self.outer[0])
            if len(stay) < len(which):
                which, rows = which[stay], rows[stay]
            begin = end

    def _compare(self, which: Integers | slice, rows: Any, begin: int, end: int) -> None:
        """Lower the bounds of these points by those choices of these numbers they have not seen.

        What they have seen ascends; ``rows`` are theirs, placed.
        """
        owner, first, second = self.bounds.chosen.two_nearest(rows, begin, end, self.seen[which])
        second = np.minimum(np.maximum(self.first[which], first), second)
        self.second[which] = np.minimum(self.second[which], second)
        self.owner[which] = np.where(first < self.first[which], owner, self.owner[which])
        self.first[which] = np.minimum(self.first[which], first)
        near, margin, upper = first + self.norms[which], self.margin[which], self.upper[which]
        self.exact[which] &= near - margin >= upper
        self.upper[which] = np.minimum(upper, near + margin)

    def _keep(self, kept: NDArray[np.bool_]) -> None:
        """Hand the other points back."""
        for name in ("upper", "exact", "first", "owner", "second", "seen"):
            getattr(self.bounds, name)[self.index[~kept]] = getattr(self, name)[~kept]
        for name in ("index", "rows", *_PER_POINT):
            setattr(self, name, getattr(self, name)[kept])
        self.placed = self.bounds.chosen.place(self.rows)

    def leave(self) -> None:
        """Hand all points back."""
        self._keep(np.zeros(len(self.index), np.bool_))

    def leads(self) -> bool:
        """Whether a point of the front can be the farthest of all."""
        if not len(self.index):
            return False
        best = int(np.argmax(self.upper))
        bound, rival = self.outer
        return bool((self.upper[best], -self.index[best]) >= (bound, -rival)) and (
            self.upper[best] >= 0
        )

    def largest(self, size: int) -> Integers:
        """Ascending positions of the points of largest bound; of equals, the lowest."""
        return _top(self.upper, min(size, len(self.upper)))

    def outside(self, inside: Integers) -> tuple[float, int]:
        """Largest bound of all other points, and the lowest index that has it."""
        bound, position = _largest_outside(self.upper, inside)
        here = bound, int(self.index[position])
        return max(here, self.outer, key=lambda pair: (pair[0], -pair[1]))

    def features(self, which: Integers) -> Singles:
        """(n, D), as they are."""
        return np.asarray(self.bounds.features[self.index[which]])

    def between(self, inside: Integers) -> Singles:
        """Approximate squared distances (n, n), each within the ``margin`` of its row."""
        rows = self.rows[inside]
        product = rows @ right(rows).T
        product += self.norms[inside, None].astype(np.float32)
        return product

    def settle(self, inside: Integers) -> Floats:
        """Exact squared distances of ``inside`` to their nearest chosen feature."""
        todo = inside[~self.exact[inside]]
        doubt = 2 * self.margin[todo]
        clear = self.second[todo] > self.first[todo] + doubt
        sure = todo[clear]
        bounds = self.bounds
        chosen, owner = np.unique(bounds.order[self.owner[sure]], return_inverse=True)
        values = squared_distances(self.features(sure), bounds.features[chosen], owner)
        self.upper[sure] = values
        rows = max(16, self.bounds.rows * self.rows.shape[1] // bounds.done)
        for begin in range(0, len(unsure := todo[~clear]), rows):
            part = unsure[begin : begin + rows]
            self.upper[part] = self._settle_unsure(part)
        self.exact[todo] = True
        return self.upper[inside]

    def _settle_unsure(self, which: Integers) -> Floats:
        """The same for those whose nearest the approximations cannot tell."""
        bounds = self.bounds
        near = self.rows[which] @ bounds.columns[: bounds.done].T
        # The nearest is at most two margins above the smallest approximation.
        limit = near.min(axis=1) + 2 * self.margin[which]
        row, column = np.nonzero(near <= limit[:, None])
        result = np.full(len(which), np.inf)
        for begin in range(0, len(row), bounds.rows):
            r, c = row[begin : begin + bounds.rows], column[begin : begin + bounds.rows]
            chosen, owner = np.unique(bounds.order[c], return_inverse=True)
            values = squared_distances(self.features(which[r]), bounds.features[chosen], owner)
            np.minimum.at(result, r, values)
        return result

    def choose(self, picks: Integers, inside: Integers) -> None:
        """Append these points to the choices and lower the bounds; ``inside`` are exact already."""
        bounds = self.bounds
        begin, end = bounds.done, bounds.done + len(picks)
        bounds.order[begin:end] = self.index[picks]
        bounds.done = end
        if begin == end or end == len(bounds.order):  # nothing new, or nobody asks any more
            return
        bounds.append(begin, right(self.rows[picks]))
        known = self.upper[inside].copy()
        for first in range(begin, end, bounds.chosen.centres):
            last = min(first + bounds.chosen.centres, end)
            for at in range(0, len(self.rows), bounds.chosen.rows):
                part = slice(at, at + bounds.chosen.rows)
                self._compare(part, self.placed[part], first, last)
        self.upper[inside] = known
        self.exact[inside] = True
        self.upper[picks] = -np.inf
        self.seen[:] = end
        live = self.upper >= self.outer[0]
        if 4 * np.count_nonzero(live) < 3 * len(live):
            self._keep(live)


def _top(values: Floats, size: int) -> Integers:
    """Ascending indices of the ``size`` largest; of equals, the lowest indices."""
    least = np.partition(values, -size)[-size]
    above = np.flatnonzero(values > least)
    equal = np.flatnonzero(values == least)[: size - len(above)]
    return np.sort(np.concatenate([above, equal]))


def _largest_outside(values: Floats, inside: Integers) -> tuple[float, int]:
    """Largest value outside, and the lowest index that has it; -inf when there is no other."""
    rest = values.copy()
    rest[inside] = -np.inf
    rival = int(np.argmax(rest))
    return float(rest[rival]), rival
