"""The wording of a wrong parameter, and what passes."""

from dataclasses import dataclass

import pytest

from medad.detectors import require
from medad.errors import MedadError


@dataclass(frozen=True)
class Some:
    number: float
    word: str = "a"


@pytest.mark.parametrize(
    ("check", "good", "bad", "allowed"),
    [
        (require.counts, (1, 7), (0, -1), "1 or more"),
        (require.above_zero, (1e-9, 2.0), (0.0, -1.0, float("nan")), "above 0"),
        (require.zero_or_more, (0.0, 2.0), (-1e-9, float("nan")), "0 or more"),
        (require.below_one, (0.0, 0.999), (1.0, -0.1, float("nan")), "0 to below 1"),
    ],
)
def test_numbers(check, good, bad, allowed):
    for value in good:
        check(Some(value), "number")
    for value in bad:
        with pytest.raises(MedadError, match=f"number: got {value}, allowed: {allowed}"):
            check(Some(value), "number")


def test_words():
    require.one_of(Some(1, "a"), word=("a", "b"))
    with pytest.raises(MedadError, match="word: got 'c', allowed: a, b"):
        require.one_of(Some(1, "c"), word=("a", "b"))


def test_layers():
    require.distinct_layers((2, 3))
    for wrong in ((), (1, 1)):
        with pytest.raises(MedadError, match="allowed: distinct layers, not none"):
            require.distinct_layers(wrong)
