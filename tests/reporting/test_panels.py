"""Axes of curves over steps, and where panels lie."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from medad.reporting.events import Trace
from medad.reporting.panels import Panel, log_limits, note, render


def test_a_log_axis_leaves_zeros_out_and_has_seven_decades_at_most() -> None:
    assert log_limits([np.array([[0.0, 0.5]]), np.array([4.0])]) == (0.25, 8.0)
    assert log_limits([np.array([1e-30, 50.0])]) == pytest.approx((1e-5, 100.0))
    low, high = log_limits([np.zeros(3)])
    assert 0 < low < high


def test_the_note_is_of_what_is_shown() -> None:
    long = Panel("t", "u", {"c": Trace(np.arange(20), np.ones((2, 20)))})
    short = Panel("t", "u", {"c": Trace(np.arange(3), np.ones((2, 3)))}, log=True)
    assert note({"a": [long]}) == "Line: mean over draws. Band: least to largest."
    assert "Markers" in note({"a": [long, short]})
    assert "log axis" in note({"a": [long], "b": [short]})


def test_panels_lie_two_beside_each_other_and_methods_below() -> None:
    one = Panel("t", "u", {"c": Trace(np.arange(3), np.ones((2, 3)))})
    heights = []
    for rows in ({"a": [one]}, {"a": [one, one]}, {"a": [one] * 3}, {"a": [one], "b": [one]}):
        with Image.open(BytesIO(render("title", rows))) as picture:
            heights.append(picture.height)
    assert heights[0] == heights[1] < heights[2] == heights[3]
