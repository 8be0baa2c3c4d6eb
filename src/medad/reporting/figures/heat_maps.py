"""Heat maps of what a method finds, misses and takes for a lesion, beside its baseline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
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
from medad.reporting.figure import COLOURS, Page, picture, style
from medad.task import Task

EACH = 4  # images under each heading
# Inches: a square panel, the space around panels, and the margins.
CELL, GAP, BLOCK_GAP, ROW_GAP = 1.0, 0.05, 0.16, 0.2
LEFT, RIGHT, TOP, BOTTOM = 0.3, 0.45, 0.6, 0.37
KEY = (
    "Above each map: score (percentile rank among all test scores). Maps are smoothed, so a score "
    "may be above their colours,\nwhich are logarithmic where values span decades. Outline: lesion "
    "mask, if any."
)
HEADINGS = {
    "hits": "hits: anomalous, highest scores",
    "misses": "misses: anomalous, lowest scores",
    "false alarms": "false alarms: healthy, highest scores",
}


@dataclass(frozen=True)
class Panel:
    """One column: image uint8 (side, side, 3), mask bool (side, side) or None, and per method its
    smoothed map float32 (side, side), score and percentile rank among the test scores."""

    image: NDArray[np.uint8]
    mask: NDArray[np.bool_] | None
    maps: tuple[NDArray[np.float32], ...]
    scores: tuple[float, ...]
    ranks: tuple[float, ...]


@dataclass(frozen=True)
class Block:
    """Neighbouring columns under one heading."""

    heading: str
    panels: tuple[Panel, ...]


def draw(task: Task) -> bytes:
    """PNG. The last of ``params["methods"]`` chooses the images, the first is its baseline.

    Colours span the test pixels of each method, so panels of a row compare.
    """
    names = [str(name) for name in task.params["methods"]]
    tests = tested(task, names)
    maps = [smoothed_maps(task, name) for name in names]
    ranks = [percentile_ranks(test.score) for test in tests]
    shown = Shown.of(task, tests[0])

    def panel(row: int) -> Panel:
        return Panel(
            image=shown.image(row),
            mask=shown.mask(row),
            maps=tuple(found[row] for found in maps),
            scores=tuple(float(test.score[row]) for test in tests),
            ranks=tuple(float(rank[row]) for rank in ranks),
        )

    chosen = choose(tests[-1].label, tests[-1].group, tests[-1].score, EACH)
    blocks = [
        Block(HEADINGS[kind], tuple(panel(row) for row in rows)) for kind, rows in chosen.items()
    ]
    title = f"{task.params['title']}: {place(task)}, images chosen by {names[-1]}"
    return render(title, names, [colour_scale(found) for found in maps], blocks)


def render(
    title: str,
    methods: Sequence[str],
    scales: Sequence[Normalize],
    blocks: Sequence[Block],
) -> bytes:
    """PNG bytes: a row of images with lesion outlines, then one row of maps per method.

    ``scales`` are the colour scales of the methods, in units of their maps, each with a bar.
    """
    columns = sum(len(block.panels) for block in blocks)
    width = LEFT + columns * (CELL + GAP) + (len(blocks) - 1) * BLOCK_GAP + RIGHT
    height = TOP + (1 + len(methods)) * CELL + len(methods) * ROW_GAP + BOTTOM
    with style():
        page = Page(width, height, title, KEY)
        x = LEFT
        for block in blocks:
            page.text(x, TOP - 0.06, block.heading, va="bottom", fontsize=9)
            for panel in block.panels:
                axes = [page.axes(x, _top(row), CELL, CELL) for row in range(1 + len(methods))]
                _fill(axes, panel, scales)
                if x == LEFT:
                    for axis, name in zip(axes, ("image", *methods), strict=True):
                        # A long name at the usual size would run into the row above.
                        axis.set_ylabel(name, fontsize=min(9.0, 120 / len(name)))
                x += CELL + GAP
            x += BLOCK_GAP
        for number, own in enumerate(scales):
            page.colour_bar(x - BLOCK_GAP + 0.06, _top(number + 1), CELL, own)
        return page.png()


def _top(row: int) -> float:
    return TOP + row * (CELL + ROW_GAP)


def _fill(axes: Sequence[Axes], panel: Panel, scales: Sequence[Normalize]) -> None:
    """One column: the image, then the map of every method, all with the lesion's outline."""
    picture(axes[0], panel.image, panel.mask)
    for number, scale in enumerate(scales):
        axis = axes[number + 1]
        picture(axis, panel.maps[number], panel.mask, cmap=COLOURS, norm=scale)
        caption = f"{panel.scores[number]:.3g} (P{panel.ranks[number]:.0f})"
        axis.set_title(caption, fontsize=7, pad=2.5)
