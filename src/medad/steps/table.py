"""Step: a table as CSV, as Markdown, and as the map from its cells to the files behind them."""

from __future__ import annotations

from medad.files import read_json, write_bytes, write_csv, write_json
from medad.reporting.cells import Layout, build
from medad.reporting.markdown import render
from medad.reporting.published import parse_rows
from medad.reporting.table import COLUMNS, cell_map, csv_rows
from medad.task import Task


def run(task: Task) -> None:
    """Write ``csv``, ``markdown`` and ``cells``; parameters are an entry of workflow/tables."""
    params = task.params
    layout = Layout(
        rows=parse_rows(params["rows"]),
        paper_dataset=str(params["dataset"]),
        datasets=tuple(params["datasets"]),
        splits=tuple(params["splits"]),
        methods=tuple(params["methods"]),
        shots=tuple(int(k) for k in params["shots"]),
        replicates=int(params["replicates"]),
    )
    contents = {name: read_json(path) for name, path in task.inputs.items()}
    metrics = {name: found for name, found in contents.items() if name.startswith("metrics/")}
    intervals = {name: found for name, found in contents.items() if name.startswith("intervals/")}
    cells = build(layout, metrics, intervals)
    write_csv(task.outputs["csv"], COLUMNS, csv_rows(cells))
    write_json(task.outputs["cells"], cell_map(cells))
    text = render(str(params["title"]), params.get("notes", []), layout, cells, metrics, intervals)
    write_bytes(task.outputs["markdown"], text.encode())
