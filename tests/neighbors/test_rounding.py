"""The error bound against float64, and that it is of use."""

import numpy as np
import pytest

from medad.neighbors.product import left, lengths, right, times
from medad.neighbors.rounding import bound


@pytest.mark.parametrize("dimension", [1, 3, 64, 1024])
@pytest.mark.parametrize("offset", [0.0, 10.0])
def test_bound_holds_and_is_small(dimension, offset):
    rng = np.random.default_rng(dimension)
    a, b = (rng.normal(offset, 1, (200, dimension)).astype(np.float32) for _ in "ab")
    rows, others = (left(x, a.mean(0)) for x in (a, b))
    norms = [np.square(x[:, :-1], dtype=np.float64).sum(1) for x in (rows, others)]
    buffer = np.empty(len(a) * len(b), np.float32)
    approximate = times(rows, right(others), buffer) + norms[0][:, None]
    exact = np.square(a[:, None].astype(np.float64) - b).sum(2)
    allowed = bound(lengths(rows), float(np.sqrt(norms[1].max())), dimension)
    assert (np.abs(approximate - exact) <= allowed[:, None]).all()
    assert allowed.max() < 1e-3 * (norms[0].max() + norms[1].max())


def test_bound_covers_underflow():
    assert bound(np.zeros(1), 0.0, 8)[0] > 8 * np.finfo(np.float32).tiny
