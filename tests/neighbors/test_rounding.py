"""The error bound against float64, and that it is of use."""

import numpy as np
import pytest

from medad.neighbors.rounding import bound


@pytest.mark.parametrize("dimension", [1, 3, 64, 1024])
@pytest.mark.parametrize("offset", [0.0, 10.0])
def test_bound_holds_and_is_small(dimension, offset):
    rng = np.random.default_rng(dimension)
    a, b = (rng.normal(offset, 1, (200, dimension)).astype(np.float32) for _ in "ab")
    norms = [np.square(x, dtype=np.float64).sum(1) for x in (a, b)]
    approximate = -2 * (a @ b.T) + norms[0].astype(np.float32)[:, None]
    approximate += norms[1].astype(np.float32)
    exact = np.square(a[:, None].astype(np.float64) - b).sum(2)
    allowed = bound(np.sqrt(norms[0]), float(np.sqrt(norms[1].max())), dimension)
    assert (np.abs(approximate - exact) <= allowed[:, None]).all()
    assert allowed.max() < 1e-3 * (norms[0].max() + norms[1].max())


def test_bound_covers_underflow():
    assert bound(np.zeros(1), 0.0, 8)[0] > 8 * np.finfo(np.float32).tiny
