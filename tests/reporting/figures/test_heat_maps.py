"""The heat maps: what a page of them is, and what is refused."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from matplotlib.colors import LogNorm, Normalize

from medad.errors import MedadError
from medad.files import write_npz
from medad.reporting.figures.heat_maps import Block, Panel, draw, render
from medad.task import Task

Inches = Callable[[bytes], tuple[float, float]]


def _png(brightness: int, title: str) -> bytes:
    mask = np.zeros((16, 16), np.bool_)
    mask[4:9, 5:11] = True
    image = np.full((16, 16, 3), brightness, np.uint8)
    maps = (np.eye(16, dtype=np.float32), np.ones((16, 16), np.float32))
    sick = Panel(image, mask, maps, scores=(0.5, 12.0), ranks=(50.0, 90.0))
    healthy = Panel(image, None, maps, scores=(1.0, 2.0), ranks=(3.0, 4.0))
    blocks = [Block("hits", (sick,)), Block("false alarms", (healthy,))]
    return render(
        title, ["patchcore", "consult"], [Normalize(0.0, 1.0), LogNorm(0.5, 200.0)], blocks
    )


def test_the_same_picture_every_time(inches: Inches, odd: str) -> None:
    content = _png(40, odd)
    assert content == _png(40, odd)
    assert content != _png(200, odd)
    assert inches(content)[1] == pytest.approx(4.37, abs=0.01)


def test_columns_are_hits_misses_and_false_alarms(
    make_task: Callable[..., Task], inches: Inches
) -> None:
    # Two hits, two misses and three false alarms, in an image row and two map rows.
    width = 0.3 + 7 * 1.05 + 2 * 0.16 + 0.45
    assert inches(draw(make_task())) == pytest.approx((width, 4.37), abs=0.01)


def test_changed_images_are_refused(make_task: Callable[..., Task]) -> None:
    task = make_task()
    for row in range(8):
        (task.scratch / f"{row}.png").write_bytes((task.scratch / "mask.png").read_bytes())
    with pytest.raises(MedadError, match="changed since it was listed"):
        draw(task)


def test_maps_belong_to_the_scores(make_task: Callable[..., Task]) -> None:
    task = make_task()
    write_npz(task.inputs["maps/consult/k4/r0"], {"maps": np.zeros((3, 4, 4), np.float16)})
    with pytest.raises(MedadError, match="3 maps for 8 scores"):
        draw(task)
