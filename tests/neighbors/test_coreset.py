"""The blocked greedy against the naive one: the same order, always."""

from contextlib import contextmanager

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from medad.errors import MedadError
from medad.neighbors import chosen, farthest
from medad.neighbors.coreset import greedy


def naive(features, count, start):
    """Farthest-first traversal as in the paper: one pass a choice, row by row in float64."""
    features = features.astype(np.float64)
    order = [start]
    nearest = np.full(len(features), np.inf)
    while len(order) < count:
        distances = [np.square(row - features[order[-1]]).sum() for row in features]
        nearest = np.minimum(nearest, distances)
        nearest[order] = -1
        order.append(int(np.argmax(nearest)))
    return order


def lattice(size):
    """Few distinct points, so that duplicates and ties are everywhere."""
    shape = st.tuples(st.integers(1, size), st.integers(1, 4))
    elements = st.integers(-2, 2).map(float)
    return arrays.arrays(np.float32, shape, elements=elements)


@contextmanager
def small_fronts(front, rows, centres, by_torch=False):
    """Sizes at which a few points need many fronts, and each many products.

    ``by_torch``: what a GPU would do, done by torch on the CPU.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(farthest, "_FRONT", front)
        for kind in (chosen.OnCpu, chosen.OnDevice):
            patch.setattr(kind, "rows", rows)
            patch.setattr(kind, "centres", centres)
        if by_torch:
            patch.setattr(farthest, "OnCpu", lambda columns: chosen.OnDevice(columns, "cpu"))
        yield


@settings(max_examples=200, deadline=None)
@given(features=lattice(30), data=st.data())
def test_equals_naive_with_duplicates_and_ties(features, data):
    count = data.draw(st.integers(1, len(features)))
    start = data.draw(st.integers(0, len(features) - 1))
    block = data.draw(st.sampled_from([1, 2, 5, 256]))
    sizes = (data.draw(st.sampled_from([1, 3, 4096])) for _ in range(3))
    with small_fronts(*sizes, by_torch=data.draw(st.booleans())):
        order = greedy(features, count, start, block=block, memory=1 << 10)
    assert order.tolist() == naive(features, count, start)


@settings(max_examples=100, deadline=None)
@given(
    features=arrays.arrays(
        np.float32,
        st.tuples(st.integers(1, 25), st.integers(1, 5)),
        elements=st.floats(-1e6, 1e6, width=32),
    ),
    data=st.data(),
)
def test_equals_naive_with_any_values(features, data):
    start = data.draw(st.integers(0, len(features) - 1))
    with small_fronts(8192, 2048, 1024, by_torch=data.draw(st.booleans())):
        order = greedy(features, len(features), start, block=3)
    assert order.tolist() == naive(features, len(features), start)


@pytest.mark.parametrize("offset", [0.0, 100.0])
def test_equals_naive_on_features(offset):
    rng = np.random.default_rng(0)
    features = (np.maximum(rng.normal(size=(400, 48)), 0) + offset).astype(np.float32)
    features[100:150] = features[:50]
    expected = naive(features, 120, 7)
    assert greedy(features, 120, 7).tolist() == expected
    for by_torch in (False, True):
        with small_fronts(40, 16, 8, by_torch):
            found = greedy(features, 120, 7, block=8, memory=1 << 14)
        assert found.tolist() == expected


def test_ties_below_float32_rounding_are_decided_in_float64():
    # Far from the origin the float32 expansion cannot tell these distances apart.
    features = np.zeros((6, 2), np.float32)
    features[:, 0] = 4096
    features[1:, 1] = [1.0, 1.0009765625, 1.0009765625, 1.00048828125, 1.0]
    assert greedy(features, 3, 0).tolist() == naive(features, 3, 0) == [0, 2, 1]


def test_smaller_count_is_a_prefix():
    features = np.random.default_rng(1).normal(size=(300, 8)).astype(np.float32)
    order = greedy(features, 75, 3)
    for count in (1, 2, 30):
        assert greedy(features, count, 3).tolist() == order[:count].tolist()


def test_one_point_and_all_points():
    assert greedy(np.ones((1, 4), np.float32), 1, 0).tolist() == [0]
    same = greedy(np.ones((5, 2), np.float32), 5, 3)
    assert same.tolist() == [3, 0, 1, 2, 4]
    assert same.dtype == np.int64


def test_reads_a_memory_map(tmp_path):
    features = np.random.default_rng(2).normal(size=(200, 6)).astype(np.float32)
    np.save(tmp_path / "features.npy", features)
    mapped = np.load(tmp_path / "features.npy", mmap_mode="r")
    assert greedy(mapped, 40, 0, memory=1 << 10).tolist() == greedy(features, 40, 0).tolist()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e30])
def test_refuses_values_that_are_no_features(bad):
    features = np.zeros((4, 3), np.float32)
    features[2, 1] = bad
    with pytest.raises(MedadError, match="NaN, infinite or very large"):
        greedy(features, 2, 0)


@pytest.mark.parametrize(("count", "start"), [(0, 0), (5, 0), (2, 4), (2, -1)])
def test_refuses_what_does_not_fit(count, start):
    with pytest.raises(ValueError, match="does not fit 4 features"):
        greedy(np.zeros((4, 3), np.float32), count, start)
