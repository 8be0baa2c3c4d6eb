"""Squared distances: pair by pair in float64, and what the float32 product leaves out."""

import numpy as np

from medad.neighbors.product import left, lengths, right, squared_distances, times


def test_rows_do_not_depend_on_other_rows():
    rng = np.random.default_rng(3)
    a, b = (rng.normal(size=(50, 301)).astype(np.float32) for _ in "ab")
    every = np.arange(50)
    whole = squared_distances(a, b, every)
    one = [squared_distances(a[i : i + 1], b, every[i : i + 1])[0] for i in range(50)]
    assert one == whole.tolist()


def test_the_product_is_the_squared_distance_less_the_rows_own_length():
    rng = np.random.default_rng(4)
    a, b = (rng.normal(3, 1, (n, 20)).astype(np.float32) for n in (7, 5))
    rows = left(a, b.mean(0))
    values = times(rows, right(left(b, b.mean(0))), np.empty(35, np.float32))
    exact = np.square(a[:, None].astype(np.float64) - b).sum(2)
    np.testing.assert_allclose(values + lengths(rows)[:, None] ** 2, exact, rtol=1e-4)
