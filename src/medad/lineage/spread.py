"""Work on many files over threads, in order, with only a few of them waiting at any time."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Found = TypeVar("Found")

_FILES = 64  # handed over at once: this costs as much as reading a few small files
_BYTES = 4 << 20


def spread(
    work: Callable[[Item], Found],
    items: Iterable[Item],
    size: Callable[[Item], int] = lambda item: 0,
) -> Iterator[Found]:
    """``work`` of each item, in order; ``size`` is in bytes, so that a large file goes alone.

    Memory does not grow with the number of items.
    """
    threads = min(32, os.cpu_count() or 1)
    with ThreadPoolExecutor(threads) as pool:
        waiting: deque[Future[list[Found]]] = deque()
        for batch in _batches(items, size):
            waiting.append(pool.submit(_run, work, batch))
            if len(waiting) > 2 * threads:
                yield from waiting.popleft().result()
        while waiting:
            yield from waiting.popleft().result()


def _run(work: Callable[[Item], Found], batch: list[Item]) -> list[Found]:
    return [work(item) for item in batch]


def _batches(items: Iterable[Item], size: Callable[[Item], int]) -> Iterator[list[Item]]:
    batch: list[Item] = []
    held = 0
    for item in items:
        batch.append(item)
        held += size(item)
        if len(batch) == _FILES or held >= _BYTES:
            yield batch
            batch, held = [], 0
    if batch:
        yield batch
