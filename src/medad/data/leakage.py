"""Which images are copies of one another, and what that means for a split."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from medad.data.images import square, to_grey

_BLOCK = 512  # rows of the correlation matrix held at a time
_SLACK = 1e-4  # correlations in float32 this near to the threshold are decided in float64


def thumbnail(pixels: npt.NDArray[np.uint8], side: int) -> npt.NDArray[np.uint8]:
    """Grey uint8 (side, side) of RGB (H, W, 3)."""
    return square(to_grey(pixels), side)


def dhash(pixels: npt.NDArray[np.uint8]) -> str:
    """Difference hash, 64 bit as 16 hex digits: is a cell of 8 x 9 brighter than its left one?

    Survives scaling, re-encoding and changes of brightness and contrast.
    """
    import cv2

    cells = cv2.resize(to_grey(pixels), (9, 8), interpolation=cv2.INTER_AREA).astype(int)
    bits = (cells[:, 1:] > cells[:, :-1]).ravel()
    return np.packbits(bits).tobytes().hex()


def _standardise(thumbnails: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Rows of zero mean and unit length, so that a dot product is a correlation; constant: 0."""
    rows = thumbnails.reshape(len(thumbnails), -1).astype(np.float32)
    rows -= rows.mean(axis=1, keepdims=True)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 0))


def similar_pairs(thumbnails: npt.NDArray[np.uint8], correlation: float) -> list[tuple[int, int]]:
    """Pairs i < j of (n, side, side) thumbnails whose Pearson correlation is at least this.

    Memory is n x 512, not n x n. Values near the threshold are decided in float64, so that they do
    not depend on the number of threads. Constant thumbnails are similar to nothing.
    """
    rows = _standardise(thumbnails)
    found = []
    for start in range(0, len(rows), _BLOCK):
        block = rows[start : start + _BLOCK] @ rows[start:].T
        for i, j in np.argwhere(np.triu(block >= correlation - _SLACK, 1)).tolist():
            pair = (start + i, start + j)
            if block[i, j] >= correlation + _SLACK or _exact(thumbnails, pair) >= correlation:
                found.append(pair)
    return found


def _exact(thumbnails: npt.NDArray[np.uint8], pair: tuple[int, int]) -> float:
    """Pearson correlation of two thumbnails in float64."""
    return float(np.corrcoef(thumbnails[pair[0]].ravel(), thumbnails[pair[1]].ravel())[0, 1])


def connected(count: int, pairs: Iterable[tuple[int, int]]) -> list[int]:
    """Group number of each of ``count`` items joined by ``pairs``: union-find.

    Groups are numbered from 0 in the order of their first item.
    """
    parent = list(range(count))

    def find(item: int) -> int:
        while parent[item] != item:
            parent[item] = parent[parent[item]]
            item = parent[item]
        return item

    for first, second in pairs:
        low, high = sorted((find(first), find(second)))
        parent[high] = low
    numbers: dict[int, int] = {}
    return [numbers.setdefault(find(item), len(numbers)) for item in range(count)]


def leakage_groups(
    sources: Sequence[Hashable], thumbnails: npt.NDArray[np.uint8], correlation: float
) -> list[int]:
    """Leakage group of each image: byte copies and near copies, transitively.

    ``sources``: the sha256 of each image's file; slices of one volume share it, hence a group.
    ``thumbnails``: uint8 (n, side, side).
    """
    first: dict[Hashable, int] = {}
    pairs = [(first.setdefault(source, index), index) for index, source in enumerate(sources)]
    pairs += similar_pairs(thumbnails, correlation)
    return connected(len(sources), pairs)


def report(
    paths: Sequence[str],
    labels: Sequence[int],
    groups: Sequence[int],
    roles: Mapping[str, Sequence[bool]],
) -> dict[str, Any]:
    """What a split leaks: sizes, and groups with several images within and across roles.

    ``roles``: name (pool, validation, test) to one flag an image. ``across`` counts the groups
    with two *different* images in two roles: an image that may play both (the ``paper`` policy)
    is not by itself a leak. ``conflicting`` are groups that hold both labels.
    """
    members: dict[int, list[int]] = defaultdict(list)
    for index, group in enumerate(groups):
        members[group].append(index)
    names = list(roles)
    held = {name: {i for i, flag in enumerate(roles[name]) if flag} for name in names}

    def several(role: set[int]) -> dict[str, int]:
        counts = Counter(groups[index] for index in role)
        repeated = [count for count in counts.values() if count > 1]
        return {"groups": len(repeated), "images": sum(repeated)}

    def crossing(one: set[int], other: set[int]) -> int:
        crosses = 0
        for group in members.values():
            left, right = one.intersection(group), other.intersection(group)
            crosses += bool(left) and bool(right) and len(left | right) > 1
        return crosses

    return {
        "sizes": {
            name: {
                "images": len(held[name]),
                "healthy": sum(labels[i] == 0 for i in held[name]),
                "anomalous": sum(labels[i] == 1 for i in held[name]),
                "groups": len({groups[i] for i in held[name]}),
            }
            for name in names
        },
        "unused": len(paths) - len(set().union(*held.values())),
        "groups": {
            "all": len(members),
            "healthy": len({g for g, label in zip(groups, labels, strict=True) if label == 0}),
            "anomalous": len({g for g, label in zip(groups, labels, strict=True) if label == 1}),
            "largest": max((len(group) for group in members.values()), default=0),
        },
        "within": {name: several(held[name]) for name in names},
        "across": {
            f"{one}/{other}": crossing(held[one], held[other])
            for position, one in enumerate(names)
            for other in names[position + 1 :]
        },
        "repeated": [
            {"group": group, "paths": [paths[i] for i in indices]}
            for group, indices in sorted(members.items())
            if len(indices) > 1
        ],
        "conflicting": sorted(
            group for group, indices in members.items() if len({labels[i] for i in indices}) > 1
        ),
    }
