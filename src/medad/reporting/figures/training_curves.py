"""What stage 1 does step by step: terms of its loss, distances, gradients."""

from __future__ import annotations

from collections.abc import Sequence

from medad.reporting.events import Trace, read_events, trace
from medad.reporting.examples import place
from medad.reporting.panels import Panel, render
from medad.task import Task

Run = Sequence[dict[str, float]]


def panels(runs: Sequence[Run]) -> list[Panel]:
    """The four panels of a method's draws; without a step there is no curve."""
    names = sorted({name for run in runs for event in run for name in event})

    def below(prefix: str) -> dict[str, Trace]:
        found = [name for name in names if name.startswith(prefix)]
        return {name.removeprefix(prefix): trace(runs, name) for name in found}

    whole = {"all": trace(runs, "gradient")} if "gradient" in names else {}
    distances: dict[str, Trace] = {}
    for name in ("d_pull", "d_push"):
        if name in names:
            distances[name] = trace(runs, name)
    return [
        Panel("Loss", "weighted term", below("loss/")),
        Panel("Distance to the anchor", "distance, as the loss sees it", distances, log=True),
        Panel("Gradient at the features", "L2 norm", below("feature_gradient/"), log=True),
        Panel("Gradient of all weights", "L2 norm", whole | below("gradient/"), log=True),
    ]


def draw(task: Task) -> bytes:
    """PNG: one row of four panels, two by two, for every method."""
    rows = {str(name): panels(read_events(task, name)) for name in task.params["methods"]}
    title = f"{task.params['title']}: {', '.join(rows)}, {place(task)}"
    return render(title, rows)
