"""KoLeo in both forms: loops, gradients, and what each does to a collapsed cluster."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from medad.errors import MedadError
from medad.losses.koleo import koleo_nearest, koleo_norm


def features(seed, count, depth):
    return torch.tensor(np.random.default_rng(seed).normal(size=(count, depth)))


def nearest_by_loops(vectors):
    units = [[x / math.hypot(*v) for x in v] for v in vectors]
    total = 0.0
    for i, u in enumerate(units):
        total += math.log(min(math.dist(u, w) for j, w in enumerate(units) if j != i) + 1e-8)
    return -total / len(units)


@settings(deadline=None)
@given(st.integers(0, 1000), st.integers(2, 9), st.integers(2, 5))
def test_equals_the_loops(seed, count, depth):
    vectors = features(seed, count, depth)
    assert float(koleo_nearest(vectors)) == pytest.approx(nearest_by_loops(vectors.tolist()))
    norms = [math.log(math.hypot(*v)) for v in vectors.tolist()]
    assert float(koleo_norm(vectors)) == pytest.approx(-sum(norms) / count, abs=1e-6)


def test_more_features_than_one_block_of_rows():
    vectors = features(0, 1100, 2)
    assert float(koleo_nearest(vectors)) == pytest.approx(nearest_by_loops(vectors.tolist()))


@settings(deadline=None)
@given(st.floats(0.01, 100))
def test_nearest_ignores_length_and_norm_ignores_direction(factor):
    vectors = features(1, 6, 3)
    assert float(koleo_nearest(vectors * factor)) == pytest.approx(float(koleo_nearest(vectors)))
    grown = float(koleo_norm(vectors)) - math.log(factor)
    assert float(koleo_norm(vectors * factor)) == pytest.approx(grown, abs=1e-5)
    assert float(koleo_norm(vectors.roll(1, dims=1))) == pytest.approx(float(koleo_norm(vectors)))


def spread_after(loss, steps=200):
    """Mean nearest distance of 64 points clustered at norm 20, after gradient descent."""
    torch.manual_seed(0)
    points = 0.1 * features(0, 64, 8)
    points[:, 0] += 20
    points.requires_grad_()
    optimiser = torch.optim.SGD([points], lr=1.0)
    for _ in range(steps):
        optimiser.zero_grad()
        loss(points).backward()
        optimiser.step()
    distances = torch.cdist(points.detach(), points.detach()).fill_diagonal_(torch.inf)
    return float(distances.min(dim=1).values.mean())


def test_only_the_cited_form_undoes_a_collapse():
    start = spread_after(koleo_norm, steps=0)
    assert spread_after(koleo_norm) == pytest.approx(start, rel=0.02)
    assert spread_after(koleo_nearest) > 3 * start


@pytest.mark.parametrize("loss", [koleo_nearest, koleo_norm])
def test_gradients(loss):
    assert torch.autograd.gradcheck(loss, [features(2, 6, 3).requires_grad_()])


@pytest.mark.parametrize("loss", [koleo_nearest, koleo_norm])
@pytest.mark.parametrize("value", [0.0, 1.0])
def test_gradients_are_finite_for_equal_features(loss, value):
    same = torch.full((4, 3), value, requires_grad=True)
    loss(same).backward()
    assert torch.isfinite(same.grad).all()


def test_one_feature_has_no_neighbour():
    with pytest.raises(MedadError, match="2 or more"):
        koleo_nearest(torch.ones(1, 3))
