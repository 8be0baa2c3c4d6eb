"""Step: how many images splits hold, as CSV and as Markdown."""

from __future__ import annotations

from medad.files import read_json, write_bytes, write_csv
from medad.reporting.sizes import COLUMNS, render, rows
from medad.task import Task


def run(task: Task) -> None:
    """Write ``csv`` and ``markdown``; parameters are an entry of workflow/tables."""
    params = task.params
    contents = {name: read_json(path) for name, path in task.inputs.items()}
    leakage, counts = (
        {name.partition("/")[2]: v for name, v in contents.items() if name.startswith(kind)}
        for kind in ("leakage/", "counts/")
    )
    found = rows(params["rows"], params["datasets"], params["splits"], leakage, counts)
    write_csv(task.outputs["csv"], COLUMNS, found)
    write_bytes(task.outputs["markdown"], render(str(params["title"]), found).encode())
