"""Step: one figure, by the drawing function that its parameters name."""

from __future__ import annotations

from medad.files import write_bytes
from medad.resolve import attribute
from medad.task import Task


def run(task: Task) -> None:
    """Write ``figure``: the PNG that ``params["implementation"]`` makes of the task."""
    draw = attribute(str(task.params["implementation"]))
    write_bytes(task.outputs["figure"], draw(task))
