"""Tritanh against its definition in float64 numpy, its golden values and its sign conditions."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from medad.errors import MedadError
from medad.losses.tritanh import check, tritanh


def definition(d_pull, d_push, pull, push, m0, m1):
    x, y = np.exp(np.longdouble(pull * d_pull)), np.exp(np.longdouble(push * d_push))
    return float((x - y + m0) / (x + y + m1))


def value(d_pull, d_push, dtype=torch.float64, **parameters):
    return tritanh(
        torch.tensor(d_pull, dtype=dtype), torch.tensor(d_push, dtype=dtype), **parameters
    )


def slopes(d_pull, d_push, **parameters):
    distances = [torch.tensor(d, dtype=torch.float64, requires_grad=True) for d in (d_pull, d_push)]
    return [float(g) for g in torch.autograd.grad(tritanh(*distances, **parameters), distances)]


@pytest.mark.parametrize(
    ("d_pull", "d_push", "m0", "m1", "expected"),
    [
        (0.2, 1.2, 0.0, 0.0, -0.379949),
        (0.2, 1.2, 1.0, 1.0, -0.142516),
        (1.0, 1.0, 0.0, 0.0, 0.462117),
    ],
)
def test_golden_values(d_pull, d_push, m0, m1, expected):
    assert float(value(d_pull, d_push, pull=2, push=1, m0=m0, m1=m1)) == pytest.approx(
        expected, abs=5e-7
    )


@pytest.mark.parametrize(
    ("m0", "m1", "by_pull", "by_push"),
    [
        (0.0, 0.0, 0.5, -0.5),
        (1.0, 0.0, 0.25, -0.75),
        (1.0, 1.0, 0.2222, -0.4444),
        (0.0, 1.0, 0.3333, -0.3333),
        (0.0, -1.0, 1.0, -1.0),
        (-1.0, 0.0, 0.75, -0.25),
        (0.1, -1.5, 1.6, -2.4),
        (0.0, 10.0, 0.0833, -0.0833),
    ],
)
def test_gradient_at_the_origin(m0, m1, by_pull, by_push):
    assert slopes(0.0, 0.0, pull=1, push=1, m0=m0, m1=m1) == pytest.approx(
        [by_pull, by_push], abs=1e-4
    )
    assert float(value(0.0, 0.0, pull=1, push=1, m0=m0, m1=m1)) == pytest.approx(m0 / (2 + m1))


def margins():
    """Every (m0, m1) that keeps the signs of the gradient, a hair inside the bounds."""
    return st.tuples(st.floats(-1.99, 10), st.floats(1e-6, 1 - 1e-6)).map(
        lambda pair: (-2 - pair[0] + pair[1] * (4 + 2 * pair[0]), pair[0])
    )


small = st.floats(0, 6)
scale = st.floats(0.1, 4)


@settings(deadline=None)
@given(small, small, scale, scale, margins())
def test_equals_the_definition_and_has_the_right_signs(d_pull, d_push, pull, push, pair):
    m0, m1 = pair
    got = float(value(d_pull, d_push, pull=pull, push=push, m0=m0, m1=m1))
    assert got == pytest.approx(definition(d_pull, d_push, pull, push, m0, m1), rel=1e-9, abs=1e-9)
    assert -1 - 1e-12 <= got <= 1 + 1e-12
    by_pull, by_push = slopes(d_pull, d_push, pull=pull, push=push, m0=m0, m1=m1)
    assert by_pull >= -1e-12
    assert by_push <= 1e-12


@settings(deadline=None)
@given(st.floats(-6, 6), st.floats(-4, 8), small, small)
def test_margins_are_refused_exactly_when_a_sign_is_wrong_near_or_far(m0, m1, d_pull, d_push):
    try:
        check(1, 1, m0, m1)
    except MedadError:
        if m1 > -1.999:  # the derivatives' signs at the origin, where x = y = 1 are least
            assert min(2 + m1 - m0, 2 + m0 + m1) < 1e-9
    else:
        x, y = np.exp(d_pull), np.exp(d_push)
        assert min(2 * y + m1 - m0, 2 * x + m0 + m1, x + y + m1) > -1e-9


@settings(deadline=None)
@given(small, small, scale, scale)
def test_tiny_margins_join_the_tanh_case(d_pull, d_push, pull, push):
    exact = value(d_pull, d_push, pull=pull, push=push)
    near = value(d_pull, d_push, pull=pull, push=push, m0=1e-12, m1=-1e-12)
    assert float(near) == pytest.approx(float(exact), abs=1e-9)
    assert float(exact) == pytest.approx(np.tanh((pull * d_pull - push * d_push) / 2))


@pytest.mark.parametrize(("m0", "m1"), [(0.0, 0.0), (1.0, 1.0), (0.0, -1.0)])
@pytest.mark.parametrize(
    ("d_pull", "d_push", "expected"), [(1e4, 0.0, 1), (0.0, 1e4, -1), (1e4, 1e4, 0)]
)
def test_large_distances_stay_finite_in_float32(m0, m1, d_pull, d_push, expected):
    distances = [torch.tensor(d, requires_grad=True) for d in (d_pull, d_push)]
    loss = tritanh(*distances, pull=1, push=1, m0=m0, m1=m1)
    loss.backward()
    assert float(loss.detach()) == pytest.approx(expected)
    assert all(torch.isfinite(d.grad) for d in distances)


@pytest.mark.parametrize(("m0", "m1"), [(0.0, 0.0), (1.0, 1.0), (0.1, -1.5)])
def test_gradient_is_that_of_the_value(m0, m1):
    distances = [torch.tensor([0.0, 0.3, 2.0, 5.0], dtype=torch.float64) for _ in range(2)]
    distances[1] = distances[1].flip(0)
    assert torch.autograd.gradcheck(
        lambda a, b: tritanh(a, b, pull=2, push=1, m0=m0, m1=m1),
        [d.requires_grad_() for d in distances],
    )


@pytest.mark.parametrize(
    ("pull", "push", "m0", "m1", "named"),
    [
        (0, 1, 0, 0, "pull 0"),
        (1, -1, 0, 0, "push -1"),
        (1, 1, 4, 0, "m0 4"),
        (1, 1, -3, 0, "m0 -3"),
        (1, 1, -0.5, -2, "m1 -2"),
    ],
)
def test_refuses_parameters_that_turn_the_gradient(pull, push, m0, m1, named):
    with pytest.raises(MedadError, match=named):
        value(1.0, 1.0, pull=pull, push=push, m0=m0, m1=m1)
