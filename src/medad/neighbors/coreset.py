"""Greedy k-center: the subset of a feature bank that leaves no feature far from it.

Sener and Savarese, Active Learning for Convolutional Neural Networks, ICLR 2018, algorithm 1; the
subsampling of PatchCore (Roth et al., CVPR 2022, algorithm 1), without random projection.
"""

from __future__ import annotations

import numpy as np

from medad.neighbors.farthest import Bounds, Front
from medad.neighbors.product import Integers, Singles, squared_distances

_LARGEST_BLOCK = 1024  # beyond, the distances within a block cost more than the passes saved


def greedy(
    features: Singles,
    count: int,
    start: int,
    *,
    block: int = 256,
    memory: int = 1 << 26,
    device: str = "cpu",
) -> Integers:
    """Indices of ``count`` features, each the farthest from those before it.

    ``features``: (N, D) float32, finite; a memory map is read in pieces. ``start``: the first
    index. ``block``: points looked at together at first; changes the time only. ``memory``: bytes
    of working memory beyond some sixty a feature, the chosen ones and a block, about. ``device``:
    where points are compared with the chosen ones; changes the time only.

    Returns (count,) int64 without repeats, in the order chosen; ties go to the lowest index. The
    order for a smaller ``count`` is a prefix of the order for a larger one. It is exactly the order
    of the naive algorithm that keeps, in float64 (`squared_distances`), every feature's distance to
    its nearest chosen one and takes the largest, whatever the number of threads.

    Distances to the nearest chosen feature only fall, so old ones are bounds. The points of largest
    bound are the front, and contain the next choices while their maximum reaches the largest bound
    outside; only they are compared with what is chosen. The others wait, and most never come to the
    front again. Within the front a block of the farthest serves many choices at a time, likewise.

    Raises MedadError on NaN, infinite or absurdly large features, ValueError on a ``count`` or
    ``start`` out of range.
    """
    if not (1 <= count <= len(features) and 0 <= start < len(features)):
        raise ValueError(f"count {count} or start {start} does not fit {len(features)} features")
    bounds = Bounds(features, count, start, memory, device)
    while bounds.done < count:
        front = Front(bounds)
        while bounds.done < count and front.leads():
            inside = front.largest(block)
            picks = _pick(front, inside, count - bounds.done)
            front.choose(picks, inside)
            if 2 * len(picks) > len(inside):
                block = min(2 * block, _LARGEST_BLOCK)
            elif 8 * len(picks) < len(inside):
                block = max(64, block // 2)
        front.leave()
    return bounds.order


def _pick(front: Front, inside: Integers, limit: int) -> Integers:
    """The next choices that are certain from the points ``inside`` alone, in order.

    Positions in the front. Leaves the exact distances of ``inside``, after those choices, in it.
    """
    bound, rival = front.outside(inside)
    nearest = front.settle(inside)
    rows = front.features(inside)
    approximate = front.between(inside)
    index, margin = front.index[inside], front.margin[inside]
    picks: list[int] = []
    while len(picks) < limit:
        best = int(np.argmax(nearest))  # the first of equals, and `inside` ascends
        if (nearest[best], -index[best]) < (bound, -rival) or nearest[best] < 0:
            break
        picks.append(best)
        closer = np.flatnonzero(approximate[best] - margin < nearest)
        exact = squared_distances(rows[closer], rows, np.full(len(closer), best))
        nearest[closer] = np.minimum(nearest[closer], exact)
        nearest[best] = -np.inf
    front.upper[inside] = nearest
    front.exact[inside] = True
    return inside[picks]
