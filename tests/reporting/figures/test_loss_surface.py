"""Surfaces against closed forms, paths against events."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from medad.errors import MedadError
from medad.reporting.figures.loss_surface import END, POINTS, draw, outside, path, surfaces
from medad.task import Task

PARAMS = {
    "contrast": "tritanh",
    "tritanh": {"pull": 2.0, "push": 1.0, "m0": 0.0, "m1": 0.0},
    "anchor": {"pull": 1.0, "push": 0.5, "margin": 0.2},
}


def test_values_and_slopes_are_those_of_the_losses() -> None:
    anchor, tritanh = surfaces(PARAMS)
    axis = np.linspace(0, END, POINTS)
    pull, push = axis[None, :], axis[:, None]
    half = (2 * pull - push) / 2
    np.testing.assert_allclose(tritanh.values, np.tanh(half), atol=1e-12)
    slope = np.cosh(half) ** -2 * np.hypot(1.0, 0.5)
    np.testing.assert_allclose(tritanh.slope, slope, atol=1e-12)
    hinge = pull - 0.5 * push + 0.2
    np.testing.assert_allclose(anchor.values, np.maximum(0, hinge), atol=1e-12)
    clear = np.abs(hinge) > 1e-9
    expected = np.where(hinge > 0, np.hypot(1.0, 0.5), 0.0)
    np.testing.assert_allclose(anchor.slope[clear], expected[clear])
    # The golden value of the paper's facts: d_pull = d_push = 1.
    one = round((POINTS - 1) / END)
    assert tritanh.values[one, one] == pytest.approx(0.462117, abs=1e-6)


def test_margins_the_loss_refuses_are_refused() -> None:
    with pytest.raises(MedadError, match="m0"):
        surfaces({**PARAMS, "tritanh": {"pull": 1.0, "push": 1.0, "m0": 4.0, "m1": 0.0}})


def _run(far: float) -> list[dict[str, float]]:
    return [{"step": i, "d_pull": 1.0 - i / 4, "d_push": far * i} for i in range(4)]


def test_paths_are_the_distances_of_the_events() -> None:
    found = path(_run(2.0))
    assert found.tolist() == [[1.0, 0.0], [0.75, 2.0], [0.5, 4.0], [0.25, 6.0]]
    assert outside([found, path(_run(1.0))]) == (2, 8)
    assert path([]).shape == (0, 2)


def test_the_same_picture_every_time(
    make_task: Callable[..., Task], inches: Callable[[bytes], tuple[float, float]]
) -> None:
    task = make_task(methods=["consult"], stage1={"consult": PARAMS}, draws=[0, 1])
    inputs = {}
    for r, events in enumerate((_run(1.0), [])):
        file = task.scratch / f"{r}.jsonl"
        file.write_text("".join(json.dumps(event) + "\n" for event in events))
        inputs[f"events/consult/k4/r{r}"] = file
    task = replace(task, inputs=inputs)
    content = draw(task)
    assert content == draw(task)
    assert inches(content) == pytest.approx((9.35, 10.7), abs=0.01)
