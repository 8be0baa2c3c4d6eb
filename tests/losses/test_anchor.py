"""Anchor loss against its equation."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from medad.losses.anchor import anchor

finite = st.floats(0, 100)


@settings(deadline=None)
@given(finite, finite, finite, finite, st.floats(-10, 10))
def test_equals_equation_2(d_pull, d_push, pull, push, margin):
    got = anchor(
        torch.tensor(d_pull, dtype=torch.float64),
        torch.tensor(d_push, dtype=torch.float64),
        pull=pull,
        push=push,
        margin=margin,
    )
    assert float(got) == pytest.approx(max(0.0, pull * d_pull - push * d_push + margin))


def test_gradient_is_constant_while_open_and_zero_when_closed():
    d_pull = torch.tensor([0.5, 0.5], dtype=torch.float64, requires_grad=True)
    d_push = torch.tensor([0.5, 9.0], dtype=torch.float64, requires_grad=True)
    anchor(d_pull, d_push, pull=2, push=3, margin=1).sum().backward()
    assert d_pull.grad.tolist() == [2, 0]
    assert d_push.grad.tolist() == [-3, 0]
