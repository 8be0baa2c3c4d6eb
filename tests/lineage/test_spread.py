from __future__ import annotations

from collections.abc import Iterator

import pytest

from medad.lineage.spread import spread


def test_results_come_in_order_whatever_the_sizes() -> None:
    numbers = list(range(1000))
    assert list(spread(lambda n: n * n, numbers, lambda n: n << 13)) == [n * n for n in numbers]
    assert list(spread(str, [])) == []


def test_only_a_few_items_wait() -> None:
    taken = 0

    def items() -> Iterator[int]:
        nonlocal taken
        for number in range(1_000_000):
            taken += 1
            yield number

    found = spread(lambda n: n, items())
    assert next(found) == 0
    assert taken < 10_000


def test_an_error_is_not_lost() -> None:
    with pytest.raises(ZeroDivisionError):
        list(spread(lambda n: 1 // n, [1, 0]))
