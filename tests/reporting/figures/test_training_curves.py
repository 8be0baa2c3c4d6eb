"""Which quantities of the events are drawn where."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from medad.reporting.figures.training_curves import draw, panels
from medad.task import Task

Inches = Callable[[bytes], tuple[float, float]]


def _run(shift: float) -> list[dict[str, float]]:
    found = []
    for step in range(6):
        event = {
            "epoch": step,
            "step": step,
            "loss": 3 * shift,
            "loss/contrast": step + shift,
            "loss/koleo": -1.0,
            "d_pull": 1.0 / (1 + step),
            "d_push": 2.0 + shift,
            "gradient": 5.0,
            "feature_gradient/contrast": 0.1,
            "length": 7.0,
        }
        if step % 2 == 0:
            event["gradient/contrast"] = 10.0**-step
        found.append(event)
    return found


def test_every_curve_is_in_its_panel() -> None:
    loss, distance, features, weights = panels([_run(0.0), _run(2.0)])
    assert set(loss.curves) == {"contrast", "koleo"}
    np.testing.assert_allclose(loss.curves["contrast"].values, [range(6), range(2, 8)])
    assert set(distance.curves) == {"d_pull", "d_push"}
    assert set(features.curves) == {"contrast"}
    assert set(weights.curves) == {"contrast", "all"}
    assert weights.curves["contrast"].steps.tolist() == [0, 2, 4]
    assert [panel.log for panel in (loss, distance, features, weights)] == [0, 1, 1, 1]


def test_the_same_picture_every_time_even_of_no_step(
    make_task: Callable[..., Task], inches: Inches
) -> None:
    task = make_task(methods=["consult"], draws=[0, 1])
    inputs = {}
    for r in range(2):
        path = task.scratch / f"{r}.jsonl"
        path.write_text("".join(json.dumps(event) + "\n" for event in _run(r)))
        inputs[f"events/consult/k4/r{r}"] = path
    task = replace(task, inputs=inputs)
    content = draw(task)
    assert content == draw(task)
    assert inches(content)[0] == pytest.approx(2 * 4.75 + 0.05, abs=0.01)
    for path in inputs.values():
        path.write_text("")
    assert inches(draw(task)) == inches(content)
