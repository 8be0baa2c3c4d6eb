"""Anchor and Tritanh over the plane of both distances, with the paths of trainings (figure 4)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray
from torch import Tensor

from medad.losses.anchor import anchor
from medad.losses.tritanh import tritanh
from medad.reporting.events import read_events, trace
from medad.reporting.examples import place
from medad.reporting.figure import Page, style
from medad.task import Task

END, POINTS = 3.0, 121  # of either distance, as in the paper's figure; grid points a side
CELL, LEFT, TOP = 2.9, 0.6, 0.85  # inches
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
    """PNG bytes: a column for each loss, above its values and below its slope."""
    beyond, steps = outside(paths)
    note = (
        f"Lines: the trainings of {len(paths)} draws, which minimised the {trained} loss and its "
        f"companions; {beyond} of {steps} steps lie beyond the square."
    )
    across, down = CELL + 1.35, CELL + 0.75
    with style():
        page = Page(LEFT + 2 * across, TOP + 2 * down - 0.05, title, note)
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
                _paths(axis, paths)
                axis.set(xlabel="d_pull, to shrink", ylabel="d_push, to grow")
                axis.set(xlim=(0, END), ylim=(0, END))
                if row == 0:
                    axis.set_title(one.name, loc="left", pad=16)
                    handles = [
                        Line2D([], [], marker="o", color="black", mfc="white", ls=""),
                        Line2D([], [], marker="X", color="black", mfc="white", ls=""),
                    ]
                    axis.legend(
                        handles,
                        ["first step", "last step"],
                        ncols=2,
                        loc="lower left",
                        bbox_to_anchor=(-0.03, 0.985),
                        borderpad=0,
                        handletextpad=0.2,
                    )
        return page.png()


def _levels(values: Array) -> Array:
    """About twenty round levels; a surface that is flat gets a width of its own."""
    low, high = float(values.min()), float(values.max())
    return np.asarray(MaxNLocator(20).tick_values(low, high if high > low else low + 1.0))


def _paths(axis: Axes, paths: Sequence[Array]) -> None:
    for steps in paths:
        # White under black is seen on every colour.
        axis.plot(steps[:, 0], steps[:, 1], color="white", lw=2.0)
        axis.plot(steps[:, 0], steps[:, 1], color="black", lw=0.9)
    for steps in paths:
        for at, marker in ((0, "o"), (-1, "X")):
            if len(steps):
                axis.plot(*steps[at], marker, color="black", mfc="white", ms=5, zorder=4)
