"""Heat maps of what a method finds, misses and takes for a lesion, beside its baseline."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib.style
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from numpy.typing import NDArray

from medad.errors import MedadError

OUTLINE, COLOURS = "#00e5ff", "inferno"
# Inches: a square panel, the space around panels, and the margins.
CELL, GAP, BLOCK_GAP, ROW_GAP = 1.0, 0.05, 0.16, 0.2
LEFT, RIGHT, TOP, BOTTOM = 0.25, 0.45, 0.6, 0.25
KEY = "Above each map: score (percentile rank among all test scores). Outline: lesion mask, if any."
_STYLE = {"font.family": "DejaVu Sans", "font.size": 8.0, "image.interpolation": "nearest"}


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


def choose(
    labels: NDArray[np.int64],
    groups: NDArray[np.int64],
    scores: NDArray[np.float64],
    count: int,
) -> dict[str, list[int]]:
    """Rows of the ``count`` clearest hits, misses and false alarms, each most extreme first.

    Hits are the anomalous images (label 1) with the highest scores, misses those with the lowest,
    false alarms the healthy ones with the highest. Near copies (one leakage group) are shown once,
    and with few anomalous images hits and misses share them out evenly. Ties go to the earlier
    row. Raises MedadError unless there are two anomalous groups and one healthy image.
    """
    rising = np.argsort(scores, kind="stable").tolist()
    falling = np.argsort(-scores, kind="stable").tolist()
    anomalous = len(np.unique(groups[labels == 1]))
    if anomalous < 2 or not (labels == 0).any():
        raise MedadError(
            "figure: needs anomalous test images of two leakage groups and a healthy one, got "
            f"{anomalous} groups and {int((labels == 0).sum())} healthy images"
        )

    def first(order: list[int], label: int, limit: int, seen: set[int]) -> list[int]:
        rows: list[int] = []
        for row in order:
            if labels[row] == label and len(rows) < limit and int(groups[row]) not in seen:
                seen.add(int(groups[row]))
                rows.append(row)
        return rows

    each, shown = min(count, anomalous // 2), set[int]()
    return {
        "hits": first(falling, 1, each, shown),
        "misses": first(rising, 1, each, shown),
        "false alarms": first(falling, 0, count, set()),
    }


def percentile_ranks(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Percent of the scores below each one, ties counted half: in (0, 100), 100 is most anomalous.

    Ranks compare methods whose scores have different units.
    """
    order = np.sort(scores)
    twice = np.searchsorted(order, scores, "left") + np.searchsorted(order, scores, "right")
    return np.asarray(50.0 * twice / len(scores))


def draw(
    title: str,
    methods: Sequence[str],
    limits: Sequence[tuple[float, float]],
    blocks: Sequence[Block],
) -> bytes:
    """PNG bytes: a row of images with lesion outlines, then one row of maps per method.

    ``limits`` are the colour limits of every method, in units of its map; a method has one scale
    and one colour bar. The bytes hold no date and no software version.
    """
    with matplotlib.style.context(["default", _STYLE]):
        return _draw(title, methods, limits, blocks)


def _draw(
    title: str,
    methods: Sequence[str],
    limits: Sequence[tuple[float, float]],
    blocks: Sequence[Block],
) -> bytes:
    columns = sum(len(block.panels) for block in blocks)
    width = LEFT + columns * (CELL + GAP) + (len(blocks) - 1) * BLOCK_GAP + RIGHT
    height = TOP + (1 + len(methods)) * CELL + len(methods) * ROW_GAP + BOTTOM
    figure = Figure(figsize=(width, height), dpi=200)
    FigureCanvasAgg(figure)

    def axis_at(x: float, row: int, wide: float = CELL) -> Axes:
        """Axes whose left edge is ``x`` inches from the left, in a row counted from the top."""
        y = height - TOP - CELL - row * (CELL + ROW_GAP)
        return figure.add_axes((x / width, y / height, wide / width, CELL / height))

    figure.text(LEFT / width, 1 - 0.08 / height, title, va="top", fontsize=10, weight="bold")
    figure.text(LEFT / width, 0.05 / height, KEY, va="bottom", fontsize=7)
    x = LEFT
    for block in blocks:
        heading = 1 - (TOP - 0.06) / height
        figure.text(x / width, heading, block.heading, va="bottom", fontsize=9)
        for panel in block.panels:
            axes = [axis_at(x, row) for row in range(1 + len(methods))]
            _fill(axes, panel, limits)
            if x == LEFT:
                for axis, name in zip(axes, ("image", *methods), strict=True):
                    axis.set_ylabel(name, fontsize=9)
            x += CELL + GAP
        x += BLOCK_GAP
    for number, (low, high) in enumerate(limits):
        colours = ScalarMappable(Normalize(low, high), COLOURS)
        bar = figure.colorbar(colours, cax=axis_at(x - BLOCK_GAP + 0.06, number + 1, 0.08))
        bar.ax.tick_params(labelsize=6, length=2)
        bar.outline.set_visible(False)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def _fill(axes: Sequence[Axes], panel: Panel, limits: Sequence[tuple[float, float]]) -> None:
    """One column: the image, then the map of every method, all with the lesion's outline."""
    axes[0].imshow(panel.image)
    for number, (low, high) in enumerate(limits):
        axis = axes[number + 1]
        axis.imshow(panel.maps[number], cmap=COLOURS, vmin=low, vmax=high)
        caption = f"{panel.scores[number]:.3g} (P{panel.ranks[number]:.0f})"
        axis.set_title(caption, fontsize=7, pad=2.5)
    for axis in axes:
        axis.set(xticks=[], yticks=[])
        axis.spines[:].set_visible(False)
        if panel.mask is not None:
            axis.contour(panel.mask, levels=[0.5], colors=OUTLINE, linewidths=0.8)
