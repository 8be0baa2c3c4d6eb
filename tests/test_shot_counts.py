"""K as a number and as text, and all of the pool."""

import pytest

from medad import layout
from medad.shot_counts import FULL, column, label, parse, text


@pytest.mark.parametrize("k", [1, 2, 58, FULL])
def test_text_and_back(k):
    assert parse(text(k)) == k
    assert text(str(k)) == text(k)
    assert column(text(k)) == column(k)


def test_full_is_said_and_comes_last():
    assert (text(FULL), column(FULL), label(FULL)) == ("full", "full", "all of the pool")
    assert (text(4), column(4), label(4)) == ("4", "K4", "K = 4")
    assert sorted([FULL, 8, 2]) == [2, 8, FULL]


def test_paths_say_full():
    run = {"dataset": "d", "split": "adfa", "method": "m", "k": FULL, "r": 3}
    path = layout.output("metrics", run, "metrics")
    assert path == "results/metrics/d/adfa/m/kfull/r3.json"
    assert layout.parse(path) == ("metrics", run)
