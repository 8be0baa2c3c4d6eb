"""Two nearest of the choices: by BLAS, by torch, and one by one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medad.neighbors.chosen import OnCpu, OnDevice


@settings(max_examples=150, deadline=None)
@given(
    count=st.integers(1, 9),
    size=st.integers(1, 12),
    seed=st.integers(0, 99),
    data=st.data(),
)
def test_equals_one_by_one(count, size, seed, data):
    rng = np.random.default_rng(seed)
    columns, rows = (rng.integers(-2, 3, (n, 4)).astype(np.float32) for n in (count, size))
    begin = data.draw(st.integers(0, count - 1))
    end = data.draw(st.integers(begin + 1, count))
    seen = np.array(sorted(data.draw(st.integers(0, count)) for _ in range(size)), np.int32)
    for kind in (OnCpu(columns), OnDevice(columns, "cpu")):
        kind.update(0, count)
        owner, first, second = kind.two_nearest(kind.place(rows), begin, end, seen)
        for row in range(size):
            values = {n: float(rows[row] @ columns[n]) for n in range(max(begin, seen[row]), end)}
            two = [*sorted(values.values()), np.inf, np.inf][:2]
            assert [first[row], second[row]] == two
            assert not values or values[owner[row]] == two[0]


@pytest.mark.parametrize("kind", [OnCpu, lambda columns: OnDevice(columns, "cpu")])
def test_columns_come_as_they_are_known(kind):
    columns = np.empty((3, 2), np.float32)
    compared = kind(columns)
    for number in range(3):
        columns[number] = -number
        compared.update(number, number + 1)
    rows = compared.place(np.ones((1, 2), np.float32))
    found = compared.two_nearest(rows, 0, 3, np.zeros(1, np.int32))
    assert [value.tolist() for value in found] == [[2], [-4.0], [-2.0]]
