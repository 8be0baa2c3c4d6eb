"""Which images a page of samples shows, and that it is the same every time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from medad.errors import MedadError
from medad.files import read_parquet, write_parquet
from medad.reporting.figures.samples import EACH, chosen, draw, render
from medad.task import Task

Inches = Callable[[bytes], tuple[float, float]]


def test_one_of_each_group_evenly_over_the_list() -> None:
    count = 40
    split = {
        "group": [row // 2 for row in range(count)],
        "label": [0] * 30 + [1] * 10,
        "test": [row >= 6 for row in range(count)],
    }
    healthy, anomalous = (chosen(split, label) for label in (0, 1))
    assert (healthy[0], healthy[-1], len(healthy)) == (6, 28, EACH)
    assert anomalous == [30, 32, 34, 36, 38]
    with pytest.raises(MedadError, match="no test image of a label"):
        chosen({**split, "test": [False] * count}, 0)


def test_the_same_picture_every_time(make_task: Callable[..., Task], inches: Inches) -> None:
    made = make_task()
    scores = read_parquet(made.inputs["scores/consult/k4/r0"])
    split = {name: scores[name] for name in ("path", "sha256", "label", "group")}
    path = made.scratch / "split.parquet"
    write_parquet(path, {**split, "test": [role == "test" for role in scores["role"]]})
    task = replace(made, inputs={**made.inputs, "split": path})
    content = draw(task)
    assert content == draw(task)
    assert inches(content) == pytest.approx((0.45 + 4 * 1.21, 3.57), abs=0.01)
    (made.scratch / "5.png").write_bytes((made.scratch / "mask.png").read_bytes())
    with pytest.raises(MedadError, match="changed since it was listed"):
        draw(task)


def test_odd_names_are_text(odd: str, inches: Inches) -> None:
    image = np.arange(32 * 32 * 3, dtype=np.uint8).reshape(32, 32, 3)
    assert inches(render(odd, [[(image, None, odd)], [(image, image[..., 0] > 9, odd)]]))
