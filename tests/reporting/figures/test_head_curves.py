"""Curves of heads: which panels there are, and at which steps their points lie."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from medad.errors import MedadError
from medad.files import write_safetensors
from medad.reporting.figures import head_curves
from medad.reporting.figures.head_curves import draw, panels
from medad.task import Task

Inches = Callable[[bytes], tuple[float, float]]
LOSS = [6.0, 5.0, 4.0, 3.0, 2.0, 1.0]
SHARE = [0.03, 0.02]


def test_a_curve_of_epochs_lies_at_their_first_steps() -> None:
    heads = [
        {"loss": np.array(LOSS) + draw, "topk_mass": np.array(SHARE) * (draw + 1)}
        for draw in range(2)
    ]
    loss, share = panels("adfa", heads)
    assert list(loss.curves) == ["loss"]
    assert loss.curves["loss"].steps.tolist() == [0, 1, 2, 3, 4, 5]
    assert loss.curves["loss"].values.tolist() == [LOSS, [value + 1 for value in LOSS]]
    assert share.curves["nearest"].steps.tolist() == [0, 3]
    assert share.curves["nearest"].values.tolist() == [SHARE, [0.06, 0.04]]
    assert [panel.title for panel in panels("stpm", [{"loss": np.ones(3)}])] == ["Loss"]
    other = {"loss": np.ones(2), "topk_mass": np.ones(2)}
    with pytest.raises(MedadError, match="adfa: loss has other lengths in two draws; show one K"):
        panels("adfa", [heads[0], other])


def test_the_picture_is_of_the_heads_curves(
    make_task: Callable[..., Task], inches: Inches, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = make_task(methods=["consult"])
    head = made.scratch / "head.safetensors"
    state = {"history/loss": torch.tensor(LOSS), "history/topk_mass": torch.tensor(SHARE)}
    write_safetensors(head, {**state, "centres": torch.zeros(2)}, {})
    task = replace(made, inputs={**made.inputs, "head/consult/k4/r0": head})
    given = []

    def spied(title, rows, real=head_curves.render):  # type: ignore[no-untyped-def]
        given.append((title, rows))
        return real(title, rows)

    monkeypatch.setattr(head_curves, "render", spied)
    content = draw(task)
    assert content == draw(task)
    title, rows = given[0]
    assert title == f"{task.params['title']}: consult, phantom, split grouped, K = 4, draw 0"
    assert rows["consult"][0].curves["loss"].values.tolist() == [LOSS]
    assert inches(content) == pytest.approx((9.55, 3.35))
    write_safetensors(head, {"bank": torch.zeros(2)}, {})
    with pytest.raises(MedadError, match="has no curves; show methods whose detector trains"):
        draw(task)
