"""Nearest neighbours against a sort of all distances in float64, and against faiss."""

import faiss
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from medad.errors import MedadError
from medad.neighbors.search import nearest, on_device


def brute(queries, bank, k):
    distances = np.sqrt(np.square(queries[:, None].astype(np.float64) - bank).sum(2))
    indices = np.argsort(distances, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(distances, indices, 1), indices


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_equals_a_stable_sort(data):
    dimension = data.draw(st.integers(1, 3))
    elements = st.integers(-2, 2).map(float)
    queries, bank = (
        data.draw(arrays.arrays(np.float32, (rows, dimension), elements=elements))
        for rows in (data.draw(st.integers(1, 6)), data.draw(st.integers(1, 12)))
    )
    k = data.draw(st.integers(1, 14))
    memory = data.draw(st.sampled_from([64, 1 << 25]))
    found = nearest(torch.from_numpy(queries), torch.from_numpy(bank), k, memory=memory)
    distances, indices = brute(queries, bank, k)
    assert found[1].tolist() == indices.tolist()
    np.testing.assert_allclose(found[0], distances, rtol=1e-12)
    rows = data.draw(st.integers(1, 6))
    other = on_device(torch.from_numpy(queries), torch.from_numpy(bank), min(k, len(bank)), rows)
    assert other[1].tolist() == indices.tolist()
    np.testing.assert_allclose(other[0], distances, rtol=1e-12)


@pytest.mark.parametrize("k", [1, 9])
def test_equals_faiss(k):
    rng = np.random.default_rng(0)
    queries, bank = (rng.normal(2, 1, (n, 64)).astype(np.float32) for n in (50, 300))
    distances, indices = nearest(torch.from_numpy(queries), torch.from_numpy(bank), k)
    index = faiss.IndexFlatL2(64)
    index.add(bank)
    squares, expected = index.search(queries, k)
    assert (indices.numpy() == expected).all()
    np.testing.assert_allclose(distances, np.sqrt(squares), rtol=1e-4)


def test_distance_to_an_equal_row_is_zero_and_the_first_of_equals_wins():
    bank = torch.full((5, 100), 7.3)
    bank[0] = 7.4
    distances, indices = nearest(bank[2:3], bank, 2)
    assert distances.tolist() == [[0.0, 0.0]]
    assert indices.tolist() == [[1, 2]]


def test_a_query_does_not_depend_on_the_others():
    rng = np.random.default_rng(1)
    queries, bank = (torch.from_numpy(rng.normal(size=(n, 384)).astype("f4")) for n in (70, 90))
    whole = nearest(queries, bank, 3)
    for size, memory in [(1, 1 << 25), (13, 1 << 25), (70, 1 << 12)]:
        parts = [nearest(part, bank, 3, memory=memory) for part in queries.split(size)]
        assert torch.equal(torch.cat([part[0] for part in parts]), whole[0])
        assert torch.equal(torch.cat([part[1] for part in parts]), whole[1])


def test_more_neighbours_than_entries_gives_all():
    distances, indices = nearest(torch.zeros(2, 3), torch.ones(4, 3), 9)
    assert distances.shape == indices.shape == (2, 4)
    assert (distances.dtype, indices.dtype) == (torch.float64, torch.int64)


def test_no_queries():
    distances, indices = nearest(torch.zeros(0, 3), torch.ones(4, 3), 2)
    assert distances.shape == indices.shape == (0, 2)


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), 1e30])
@pytest.mark.parametrize("where", [0, 1])
def test_refuses_values_that_are_no_features(bad, where):
    both = [torch.zeros(3, 2), torch.zeros(3, 2)]
    both[where][1, 1] = bad
    with pytest.raises(MedadError, match=("image", "bank")[where]):
        nearest(*both, 1)


def test_refuses_an_empty_bank():
    with pytest.raises(MedadError, match="at least 1"):
        nearest(torch.zeros(3, 2), torch.zeros(0, 2), 1)
