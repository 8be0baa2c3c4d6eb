"""Panels of curves over steps, for figures of trainings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from medad.reporting.events import Array, Trace
from medad.reporting.figure import MARKERS, PALETTE, Page, plain_numbers, style

WIDTH, HEIGHT = 3.9, 1.9  # inches of a panel
DECADES = 7  # of a log axis, at most
_FEW = 10  # points of a curve below which each has a marker


@dataclass(frozen=True)
class Panel:
    """Curves of one unit; on a log axis when they are never negative."""

    title: str
    unit: str
    curves: Mapping[str, Trace]
    log: bool = False


def render(title: str, rows: Mapping[str, Sequence[Panel]]) -> bytes:
    """PNG bytes; ``rows`` are the panels by method, two beside each other."""
    left, top, across, down = 0.7, 0.6, WIDTH + 0.85, HEIGHT + 0.75
    colours = _colours(rows)
    lines = [(len(found) + 1) // 2 for found in rows.values()]
    with style():
        page = Page(2 * across + 0.05, top + down * sum(lines) + 0.1, title, note(rows))
        for number, (method, found) in enumerate(rows.items()):
            for place_, panel in enumerate(found):
                row, column = divmod(place_, 2)
                row += sum(lines[:number])
                at = page.axes(left + column * across, top + row * down, WIDTH, HEIGHT)
                _fill(
                    at, f"{method}: {panel.title}" if len(rows) > 1 else panel.title, panel, colours
                )
        return page.png()


def note(rows: Mapping[str, Sequence[Panel]]) -> str:
    """What the marks of these panels mean."""
    shown = [panel for found in rows.values() for panel in found]
    few = any(len(trace.steps) < _FEW for panel in shown for trace in panel.curves.values())
    marked = " Markers: the steps at which it is measured." if few else ""
    log = " A log axis ends seven decades below its top; 0 lies below it."
    axes = log if any(panel.log for panel in shown) else ""
    return f"Line: mean over draws. Band: least to largest.{marked}{axes}"


def log_limits(values: Sequence[Array]) -> tuple[float, float]:
    """Limits of a log axis, at most DECADES apart; zeros, as of a saturated loss, lie below it."""
    every = np.concatenate([own.ravel() for own in values])
    positive = every[every > 0]
    if not positive.size:
        return 0.1, 1.0
    high = 2.0 * float(positive.max())
    return max(0.5 * float(positive.min()), high / 10.0**DECADES), high


def _colours(rows: Mapping[str, Sequence[Panel]]) -> dict[str, int]:
    """A term has one colour in all panels."""
    names = [name for found in rows.values() for panel in found for name in panel.curves]
    return {name: number for number, name in enumerate(dict.fromkeys(names))}


def _fill(axis: Axes, title: str, panel: Panel, colours: Mapping[str, int]) -> None:
    for name, found in panel.curves.items():
        number = colours[name]
        colour = PALETTE[number % len(PALETTE)]
        marker = MARKERS[number % len(MARKERS)] if len(found.steps) < _FEW else None
        mean, low, high = (f(found.values, axis=0) for f in (np.mean, np.min, np.max))
        axis.plot(found.steps, mean, color=colour, lw=1.3, marker=marker, ms=4, label=name)
        axis.fill_between(found.steps, low, high, color=colour, alpha=0.2, lw=0)
    if panel.log and panel.curves:
        axis.set_yscale("log")
        axis.set_ylim(*log_limits([found.values for found in panel.curves.values()]))
        plain_numbers(axis.yaxis)
    axis.set_title(title, loc="left")
    axis.set(xlabel="step", ylabel=panel.unit)
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    axis.grid(axis="y")
    if panel.curves:
        axis.legend(
            loc="lower right",
            bbox_to_anchor=(1.02, 0.99),
            ncols=4,
            columnspacing=0.9,
            handlelength=1.4,
            handletextpad=0.4,
        )
    else:
        axis.text(0.5, 0.5, "no step was made", transform=axis.transAxes, ha="center")
