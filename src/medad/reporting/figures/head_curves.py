"""What a detector's own training does step by step: the curves that its head keeps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from medad.detectors.curves import of_head
from medad.errors import MedadError
from medad.reporting.events import Array, Trace, draws
from medad.reporting.examples import place
from medad.reporting.panels import Panel, render
from medad.shot_counts import text
from medad.task import Task

_SHARE = "topk_mass"  # no term of a loss: part of the weights that the nearest centres have
Curves = Mapping[str, Array]


def draw(task: Task) -> bytes:
    """PNG: a row for every method, its loss and, of ADFA, the share of the nearest centres."""
    rows = {}
    for method in map(str, task.params["methods"]):
        names = [f"head/{method}/k{text(k)}/r{r}" for k, r in draws(task)]
        rows[method] = panels(method, [curves(task, name) for name in names])
    return render(f"{task.params['title']}: {', '.join(rows)}, {place(task)}", rows)


def curves(task: Task, name: str) -> Curves:
    """The curves of a head by their names; MedadError when it has none."""
    found = of_head(task.inputs[name])
    if not found:
        raise MedadError(f"figure: {name} has no curves; show methods whose detector trains")
    return found


def panels(method: str, heads: Sequence[Curves]) -> list[Panel]:
    """Loss, and the share of the nearest centres where there is one.

    A curve with fewer points than the longest, such as one of epochs, is spread over its steps.
    """
    found = {}
    for name in heads[0]:
        values = [head[name] for head in heads]
        if len({len(own) for own in values}) > 1:
            raise MedadError(
                f"figure: {method}: {name} has other lengths in two draws; show one K, or train "
                "again"
            )
        steps = max(len(curve) for curve in heads[0].values())
        points = np.arange(len(values[0]), dtype=np.int64) * steps // len(values[0])
        found[name] = Trace(points, np.stack(values))
    share = found.pop(_SHARE, None)
    shown = [Panel("Loss", "term", found)]
    if share is not None:
        shown.append(
            Panel("Share of the nearest centres", "part of the weights", {"nearest": share})
        )
    return shown
