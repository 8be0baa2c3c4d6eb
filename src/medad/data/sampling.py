"""Draws of K shots that are nested: K = 2 is inside K = 4."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from medad.errors import MedadError
from medad.shot_counts import FULL, label


def shot_order(
    pool: Sequence[bool],
    groups: Sequence[int],
    generator: np.random.Generator,
    *,
    one_per_group: bool,
) -> list[int]:
    """Indices of the pool in the order in which a draw takes them.

    With ``one_per_group`` every leakage group of the pool gives one image, drawn among its own, so
    that K shots are K independent ones; each group is equally likely whatever its size.
    """
    indices = np.flatnonzero(np.asarray(pool, bool))
    shuffled: list[int] = generator.permutation(indices).tolist()
    if not one_per_group:
        return shuffled
    # the first of a group in a permutation is uniform among its images
    chosen: dict[int, int] = {}
    for index in shuffled:
        chosen.setdefault(groups[index], index)
    names = sorted(chosen)
    return [chosen[names[i]] for i in generator.permutation(len(names))]


def draw(order: Sequence[int], k: int) -> list[int]:
    """The first ``k`` of a draw's order, or all of them for ``FULL``.

    MedadError when there are fewer or ``k`` is below 1, and when there is none.
    """
    if k == FULL and order:
        return list(order)
    if not 1 <= k <= len(order):
        raise MedadError(
            f"{label(k)} shots: the pool of this split has {len(order)} independent healthy "
            "images; choose K from 1 to that, or a larger pool in `splits`"
        )
    return list(order[:k])
