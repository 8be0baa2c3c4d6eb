"""The numbers of the table and of the paper, where they belong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from medad.files import write_json
from medad.reporting.figure import MARKERS, PALETTE
from medad.reporting.figures.shot_counts import draw, lines
from medad.reporting.published import parse_rows
from medad.task import Task

ROWS: list[dict[str, Any]] = [
    {"name": "a", "label": "A", "method": "a", "confidence": "certain",
     "published": {"K2": 0.7, "K4": [0.8, 0.85]}},
    {"name": "b", "label": "B_$x", "method": "b", "confidence": "inferred",
     "published": {"K2": 0.9}},
    {"name": "c", "label": "C", "method": None, "confidence": "certain", "published": {"K2": 1.0}},
]  # fmt: skip


def _level(value: float) -> dict[str, float]:
    return {"value": value, "low": value - 0.05, "high": value + 0.03, "auroc": 0.0}


INTERVALS = {
    "confidence": 0.9,
    "draws": 3,
    "levels": {m: {k: _level(v + int(k) / 100) for k in ("2", "4")} for m, v in
               (("a", 0.6), ("b", 0.5))},
}  # fmt: skip


def test_lines_hold_our_values_and_certain_print_only() -> None:
    b, a = lines(INTERVALS, parse_rows(ROWS), ["b", "a"], [2, 4], "brain_mri")
    assert (a.label, b.label) == ("A", "B_$x")
    assert a.ours == {
        2: pytest.approx((0.62, 0.57, 0.65)),
        4: pytest.approx((0.64, 0.59, 0.67)),
    }
    assert a.paper == {2: (0.7,), 4: (0.8, 0.85)}
    assert b.paper == {}


def test_the_same_picture_every_time(
    make_task: Callable[..., Task], inches: Callable[[bytes], tuple[float, float]]
) -> None:
    task = make_task(methods=["a", "b"], shots=[2, 4], rows=ROWS, paper_dataset="brain_mri")
    write_json(task.scratch / "intervals.json", INTERVALS)
    task = replace(task, inputs={"intervals": task.scratch / "intervals.json"})
    content = draw(task)
    assert content == draw(task)
    assert inches(content) == pytest.approx((7.4, 4.2))
    assert content != draw(replace(task, params={**task.params, "paper_dataset": "phantom"}))


def test_every_row_of_table_1_has_a_look_of_its_own() -> None:
    path = Path(__file__).parents[3] / "workflow/tables/consult.yaml"
    rows = yaml.safe_load(path.read_text())["table1"]["rows"]
    assert len(rows) <= len(set(PALETTE)) == len(set(MARKERS))
