"""Epochs: every image once a pass, in an order of the seed, the name and the pass."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medad.detectors.epochs import Epochs
from medad.detectors.training import Training


def epochs(count=5, batch=2, number=3, seed=1, name="net"):
    return Epochs(Training(seed, Path("nowhere"), "x"), name, count, batch, number)


@given(count=st.integers(1, 9), batch=st.integers(1, 12), number=st.integers(1, 4))
def test_a_pass_sees_every_image_once(count, batch, number):
    made = epochs(count, batch, number)
    assert made.steps == number * made.each
    for first in range(0, made.steps, made.each):
        steps = [made.images(step).tolist() for step in range(first, first + made.each)]
        assert sorted(number for step in steps for number in step) == list(range(count))
        assert all(len(step) == batch for step in steps[:-1])


@pytest.mark.parametrize("other", [{"seed": 2}, {"name": "other"}])
def test_seed_name_and_pass_decide_the_order(other):
    def order(made, step):
        return made.images(step).tolist()

    first, again = epochs(9, 9), epochs(9, 9)
    assert order(first, 0) == order(again, 0) != order(first, 1)
    assert order(first, 0) != order(epochs(9, 9, **other), 0)
