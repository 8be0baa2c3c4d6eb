"""Anchor and Tritanh over the plane of both distances, with the paths of trainings (figure 4)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray
from torch import Tensor

from medad.losses.anchor import anchor
from medad.losses.tritanh import tritanh
from medad.reporting.events import read_events, trace
from medad.reporting.examples import place
from medad.reporting.figure import Page, plain_numbers, style
from medad.task import Task

END, POINTS = 3.0, 121  # of either distance, as in the paper's figure; grid points a side
CELL, LEFT, TOP, LOW = 2.9, 0.85, 0.65, 2.2  # inches; LOW: height of the last panel
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Surface:
    """A loss on the grid: ``values`` and ``slope``, the length of its gradient with respect to both
    distances; (POINTS, POINTS), rows by d_push and columns by d_pull, both ascending."""

    name: str
    values: Array
    slope: Array


def surface(name: str, loss: Callable[[Tensor, Tensor], Tensor]) -> Surface:
    """Evaluate ``loss(d_pull, d_push)`` and, by differentiation, its gradient on [0, END]^2."""
    axis = torch.linspace(0, END, POINTS, dtype=torch.float64)
    push, pull = (
        grid.clone().requires_grad_() for grid in torch.meshgrid(axis, axis, indexing="ij")
    )
    values = loss(pull, push)
    by_pull, by_push = torch.autograd.grad(values.sum(), (pull, push))
    return Surface(name, values.detach().numpy(), torch.hypot(by_pull, by_push).numpy())


def surfaces(params: Mapping[str, Any]) -> list[Surface]:
    """Anchor and Tritanh with the parameters of a stage 1."""
    a, t = params["anchor"], params["tritanh"]
    return [
        surface(_named("Anchor", a), lambda pull, push: anchor(pull, push, **a)),
        surface(_named("Tritanh", t), lambda pull, push: tritanh(pull, push, **t)),
    ]


def _named(name: str, parameters: Mapping[str, Any]) -> str:
    return f"{name}: {', '.join(f'{key} {value:g}' for key, value in parameters.items())}"


def path(run: Sequence[dict[str, float]]) -> Array:
    """(steps, 2): d_pull and d_push of one training."""
    return np.stack([trace([run], name).values[0] for name in ("d_pull", "d_push")], axis=1)


def outside(paths: Sequence[Array]) -> tuple[int, int]:
    """Steps that lie beyond the square, and all steps."""
    every = np.concatenate(paths)
    return int((every > END).any(axis=1).sum()), len(every)


def draw(task: Task) -> bytes:
    """PNG: loss and slope of both losses, for the parameters and trainings of one method."""
    (method,) = task.params["methods"]
    params = task.params["stage1"][method]
    paths = [path(run) for run in read_events(task, method)]
    title = f"{task.params['title']}: {method}, {place(task)}"
    return render(title, surfaces(params), paths, str(params["contrast"]))


def render(title: str, found: Sequence[Surface], paths: Sequence[Array], trained: str) -> bytes:
    """PNG bytes: a column for each loss, above its values and below its slope.

    They hold the steps inside the square; under them are all steps, on log axes.
    """
    beyond, steps = outside(paths)
    note = (
        f"Dots: the steps of the trainings of {len(paths)} draws, which minimised the {trained} "
        f"loss and its companions;\n{beyond} of {steps} lie beyond the square, seen below alone."
    )
    across, down = CELL + 1.35, CELL + 0.65
    with style():
        page = Page(LEFT + 2 * across, TOP + 2 * down + LOW + 0.75, title, note)
        for column, one in enumerate(found):
            for row, (values, unit, colours) in enumerate(
                ((one.values, "loss", "cividis"), (one.slope, "length of the gradient", "magma"))
            ):
                left, top = LEFT + column * across, TOP + row * down
                axis = page.axes(left, top, CELL, CELL)
                ticks = np.linspace(0, END, POINTS)
                filled = axis.contourf(ticks, ticks, values, _levels(values), cmap=colours)
                beside = page.axes(left + CELL + 0.1, top, 0.12, CELL)
                page.figure.colorbar(filled, cax=beside).set_label(unit)
                for run in paths:
                    # White within black is seen on every colour.
                    axis.plot(run[:, 0], run[:, 1], "o", color="black", mfc="white", ms=3.5)
                axis.set(xlabel="d_pull, to shrink", ylabel="d_push, to grow")
                axis.set(xlim=(0, END), ylim=(0, END))
                if row == 0:
                    axis.set_title(one.name, loc="left")
        wide = page.axes(LEFT, TOP + 2 * down, across + CELL, LOW)
        bar = page.axes(LEFT + across + CELL + 0.1, TOP + 2 * down, 0.12, LOW)
        _everywhere(page, wide, bar, paths)
        return page.png()


def _everywhere(page: Page, axis: Axes, beside: Axes, paths: Sequence[Array]) -> None:
    """All steps, coloured by their number; the square is marked."""
    latest = max([1, *(len(run) - 1 for run in paths)])
    colours = ScalarMappable(Normalize(0, latest), "viridis")
    axis.set(xscale="log", yscale="log", xlabel="d_pull (log)", ylabel="d_push (log)")
    for run in paths:
        axis.plot(run[:, 0], run[:, 1], color="#bbbbbb", lw=0.6, zorder=1)
        shades = colours.to_rgba(np.arange(len(run)))
        axis.scatter(run[:, 0], run[:, 1], s=16, c=shades, edgecolors="none", zorder=2)
        axis.plot(*run[:1].T, "o", color="black", mfc="none", ms=8, zorder=3)
        axis.plot(*run[-1:].T, "X", color="black", ms=7, zorder=3)
    limits = axis.get_xlim(), axis.get_ylim()
    low = min(limits[0][0], limits[1][0])
    axis.plot([low, END, END], [END, END, low], color="black", lw=0.8, ls=":")
    axis.set(xlim=limits[0], ylim=limits[1])
    for along in (axis.xaxis, axis.yaxis):
        plain_numbers(along)
    axis.set_title("All steps; circle: first, cross: last, dotted: the square above", loc="left")
    page.figure.colorbar(colours, cax=beside).set_label("step")


def _levels(values: Array) -> Array:
    """About twenty round levels; a surface that is flat gets a width of its own."""
    low, high = float(values.min()), float(values.max())
    return np.asarray(MaxNLocator(20).tick_values(low, high if high > low else low + 1.0))
