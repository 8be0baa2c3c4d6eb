"""The images that each method gets most wrong, with their files' names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.colors import Normalize
from numpy.typing import NDArray

from medad.reporting.examples import (
    Shown,
    choose,
    colour_scale,
    percentile_ranks,
    place,
    smoothed_maps,
    tested,
)
from medad.reporting.figure import COLOURS, Page, picture, shortened, style
from medad.task import Task

EACH = 4  # images of a kind
CELL, GAP, ITEM_GAP = 1.3, 0.04, 0.2  # inches
LEFT, TOP, HEADING, CAPTION, BOTTOM = 0.25, 0.4, 0.28, 0.36, 0.3
NAME = 42  # characters of a file's name
KEY = (
    "Below each image: its file; score and percentile rank (P) among all test scores of the "
    "method. Outline: lesion mask, if any. A method has one colour scale, logarithmic where "
    "values span decades."
)
KINDS = {
    "misses": "misses (anomalous, lowest scores)",
    "false alarms": "false alarms (healthy, highest scores)",
}


@dataclass(frozen=True)
class Failure:
    """Image uint8 (side, side, 3), mask bool (side, side) or None, smoothed map float32 (side,
    side), file, score and percentile rank in (0, 100)."""

    image: NDArray[np.uint8]
    mask: NDArray[np.bool_] | None
    map: NDArray[np.float32]
    path: str
    score: float
    rank: float


@dataclass(frozen=True)
class Row:
    """Failures of one kind and method, most extreme first; ``scale`` of its maps' colours."""

    heading: str
    scale: Normalize
    failures: tuple[Failure, ...]


def draw(task: Task) -> bytes:
    """PNG of the misses and false alarms of every method of one draw, by its own scores."""
    methods = [str(name) for name in task.params["methods"]]
    rows = []
    for name, test in zip(methods, tested(task, methods), strict=True):
        maps, ranks = smoothed_maps(task, name), percentile_ranks(test.score)
        shown, chosen = (
            Shown.of(task, test),
            choose(test.label, test.group, test.score, EACH),
        )
        for kind, heading in KINDS.items():
            failures = tuple(
                Failure(
                    image=shown.image(row),
                    mask=shown.mask(row),
                    map=maps[row],
                    path=str(test.path[row]),
                    score=float(test.score[row]),
                    rank=float(ranks[row]),
                )
                for row in chosen[kind]
            )
            rows.append(Row(f"{name}: {heading}", colour_scale(maps), failures))
    return render(f"{task.params['title']}: {place(task)}", rows)


def render(title: str, rows: Sequence[Row]) -> bytes:
    """PNG bytes: one line of images and maps side by side for every row."""
    item = 2 * CELL + GAP + ITEM_GAP
    most = max(2, *(len(row.failures) for row in rows))  # the title needs two
    step = HEADING + CELL + CAPTION
    with style():
        page = Page(LEFT + most * item + 0.35, TOP + len(rows) * step + BOTTOM, title, KEY)
        for number, row in enumerate(rows):
            top = TOP + number * step
            page.text(LEFT, top + 0.08, row.heading, fontsize=9)
            for column, failure in enumerate(row.failures):
                _item(page, LEFT + column * item, top + HEADING, failure, row.scale)
            page.colour_bar(LEFT + most * item - 0.1, top + HEADING, CELL, row.scale)
        return page.png()


def _item(page: Page, left: float, top: float, failure: Failure, scale: Normalize) -> None:
    picture(page.axes(left, top, CELL, CELL), failure.image, failure.mask)
    at = page.axes(left + CELL + GAP, top, CELL, CELL)
    picture(at, failure.map, failure.mask, cmap=COLOURS, norm=scale)
    below = top + CELL + 0.04
    page.text(left, below, shortened(failure.path, NAME), fontsize=6.5)
    page.text(left, below + 0.12, f"score {failure.score:.3g}, P{failure.rank:.0f}", fontsize=6.5)
