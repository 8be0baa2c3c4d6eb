"""Step: a table as CSV, as Markdown, and as the map from its cells to the files behind them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from statistics import fmean

from medad.errors import MedadError
from medad.files import read_json, read_safetensors_metadata, write_bytes, write_csv, write_json
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
        paper_dataset=params["dataset"],
        datasets=tuple(params["datasets"]),
        splits=tuple(params["splits"]),
        methods=tuple(params["methods"]),
        shots=tuple(int(k) for k in params["shots"]),
        draws=tuple(int(r) for r in params["draws"]),
        standings={name: tuple(said) for name, said in params["standings"].items()},
        obstacles=params["obstacles"],
        repeats=params.get("repeats", {}),
        primary=params.get("primary"),
        average=bool(params.get("average", False)),
        backbones=params.get("backbones", {}),
    )
    named = [row.method for row in layout.rows]
    if layout.primary is not None and layout.primary not in named:
        raise MedadError(f"primary: got {layout.primary!r}; allowed: the method of a row, or none")
    trained = {n: path for n, path in task.inputs.items() if n.startswith("stage1/")}
    contents = {n: read_json(path) for n, path in task.inputs.items() if n not in trained}
    metrics = {name: found for name, found in contents.items() if name.startswith("metrics/")}
    intervals = {name: found for name, found in contents.items() if name.startswith("intervals/")}
    cells = build(layout, metrics, intervals)
    write_csv(task.outputs["csv"], COLUMNS, csv_rows(cells))
    write_json(task.outputs["cells"], cell_map(cells))
    title, notes = str(params["title"]), params.get("notes", [])
    facts = _facts(layout, trained)
    text = render(title, notes, layout, cells, metrics, intervals, facts)
    write_bytes(task.outputs["markdown"], text.encode())


def _facts(layout: Layout, trained: Mapping[str, Path]) -> dict[str, float]:
    """Mean over draws of what a row wants to know, by "<dataset>/<split>/<method>/k4"."""
    wanted = {row.method: row.fact for row in layout.rows if row.fact is not None}
    found = defaultdict(list)
    for name, path in trained.items():
        run = name.removeprefix("stage1/").rpartition("/")[0]
        fact = wanted[run.split("/")[2]]
        metadata = read_safetensors_metadata(path)
        if fact not in metadata:
            raise MedadError(f"{path}: stage 1 says nothing of {fact!r}; correct the table's row")
        found[run].append(float(metadata[fact]))
    return {run: fmean(values) for run, values in found.items()}
