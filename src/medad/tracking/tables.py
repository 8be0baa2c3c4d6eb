"""What MLflow is told of a table: which runs it shows, a run for each cell, one for the whole.

A run that several tables show exists once, in the experiment of the first of them by name. Cells
of the others name it in their tag ``medad.runs``.
"""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from medad import layout
from medad.files import canonical_json, read_json
from medad.lineage import cells as maps
from medad.lineage import manifest
from medad.reporting.table import read_lines
from medad.shot_counts import FULL, parse
from medad.shot_counts import column as column_of
from medad.tracking.entries import Entry, flat, origin, tested

ALONE = "medad/runs"  # experiment of runs that no table shows
_METRICS = "metrics/"
_TEXT = ("dataset", "split", "row", "method", "standing", "verdict", "reason")
_CHAIN = ("stage1", "score", "metrics")  # the steps that a cell's method has parameters of


@dataclass(frozen=True)
class Table:
    """A finished table and the manifests of the figures that go with it."""

    name: str
    manifest: Mapping[str, Any]
    figures: tuple[Mapping[str, Any], ...]

    @property
    def runs(self) -> frozenset[str]:
        """Runs that it shows, by name."""
        return shown(self.manifest["inputs"])

    @property
    def version(self) -> str:
        """Digest of all that its run shows."""
        keys = [self.manifest["key"], *(figure["key"] for figure in self.figures)]
        return hashlib.sha256("\n".join(keys).encode()).hexdigest()

    @property
    def experiment(self) -> str:
        """Name of its experiment."""
        return experiment(self.name)


@dataclass(frozen=True)
class Cell:
    """The run of a cell; ``runs`` are those whose metrics it summarises. Those of a cell of one K
    are below it, those of a mean over K below the cells of their K."""

    entry: Entry
    runs: tuple[str, ...]
    one_k: bool


def experiment(table: str | None) -> str:
    """Name of the experiment of a table, or of the runs without one."""
    return ALONE if table is None else f"medad/{table}"


def shown(inputs: Iterable[str]) -> frozenset[str]:
    """Runs among the names of a table's inputs."""
    return frozenset(n.removeprefix(_METRICS) for n in inputs if n.startswith(_METRICS))


def finished_tables(root: Path) -> list[Table]:
    """Tables whose files are here, sorted by name, with the figures that go with each."""
    made = {
        folder: [
            value
            for path in sorted((root / "results" / folder).rglob(f"*{layout.MANIFEST}"), key=str)
            if _whole(root, value := manifest.read(path))
        ]
        for folder in ("tables", "figures")
    }
    # Tables of sizes have no numbers to show there.
    shown = [value for value in made["tables"] if "table" in value["identity"]]
    found = {str(value["identity"]["table"]): value for value in shown}
    return [
        Table(name, value, tuple(fig for fig in made["figures"] if _goes_with(fig, name, value)))
        for name, value in sorted(found.items())
    ]


def owners(root: Path, finished: Iterable[Table]) -> dict[str, str]:
    """Run -> the first table by name that shows it or, unfinished yet, is to show it."""
    from medad.config.load import load
    from medad.plan import Plan

    asked: dict[str, frozenset[str]] = {table.name: table.runs for table in finished}
    parameters = Plan(root, load(root)).parameters
    for name in parameters.wanted_tables():
        identity = {"table": name}
        inputs = layout.inputs("table", identity, parameters.of("table", identity))
        asked[name] = asked.get(name, frozenset()) | shown(inputs)
    return {run: name for name in sorted(asked, reverse=True) for run in asked[name]}


def whole(root: Path, table: Table, *, origins: bool = True) -> Entry:
    """The run of a table: CSV, Markdown and figures, and its values as curves over K.

    Without ``origins`` no record is read, so that it is not said when it was made.
    """
    outputs, params = table.manifest["outputs"], table.manifest["params"]
    started, tags = origin(root, table.manifest["key"]) if origins else (0, {})
    artifacts = [(outputs[name]["path"], "") for name in ("csv", "markdown")]
    for figure in table.figures:
        picture = PurePosixPath(figure["outputs"]["figure"]["path"])
        folder = picture.parent.relative_to("results").as_posix()
        artifacts.append((picture.as_posix(), folder))
    rows = [row for row in read_lines(root / outputs["csv"]["path"]) if row["shots"] != "all"]
    points = [_point(row) for row in rows if row["auroc"]]
    return Entry(
        key=table.version,
        name=table.name,
        kind="table",
        started_ms=started,
        params={name: str(params[name]) for name in ("title", "source", "metric", "baseline")},
        points=sorted(set(points)),
        tags={
            **tags,
            "medad.table": table.name,
            "medad.manifest": layout.manifest("table", {"table": table.name}),
            "medad.audit": f"medad audit {outputs['csv']['path']}",
        },
        artifacts=artifacts,
        tag="medad.version",
    )


def cells(root: Path, table: Table, *, origins: bool = True) -> list[Cell]:
    """The runs of a table's cells.

    Without ``origins`` neither records nor metrics are read, so that it is not said when they were
    made and of which images; key, parameters and points are the same.
    """
    outputs, inputs = table.manifest["outputs"], table.manifest["inputs"]
    rows = {_cell(row): row for row in read_lines(root / outputs["csv"]["path"])}
    started, tags = origin(root, table.manifest["key"]) if origins else (0, {})
    metric = table.manifest["params"]["metric"]  # the cell map has it in full
    found = []
    for name, cell in maps.cells(root / outputs["cells"]["path"]).items():
        dataset, split, row, column = name.split("/")
        place = {"dataset": dataset, "split": split, "row": row, "column": column}
        options = " ".join(f"--{key} {shlex.quote(value)}" for key, value in place.items())
        first = manifest.read(root / str(manifest.beside(inputs[cell["metrics"][0]]["path"])))
        texts = {key: rows[name][key] for key in _TEXT if rows[name][key]}
        made = first["outputs"]["metrics"]["path"]
        entry = Entry(
            key="",
            name=f"{row}, {column} ({dataset}, {split})",
            kind="cell",
            started_ms=started,
            params={**texts, "column": column, **_resolved(root, first)},
            points=_numbers({**rows[name], metric: repr(float(cell["value"]))}),
            tags={
                **tags,
                "medad.cell": f"{table.name}/{name}",
                "medad.table": table.name,
                **{f"medad.{key}": value for key, value in place.items()},
                "medad.manifest": layout.manifest("table", {"table": table.name}),
                "medad.audit": f"medad audit {outputs['csv']['path']} {options}",
            },
            inputs=[tested(first, read_json(root / made))] if origins else [],
            tag="medad.version",
        )
        content = [entry.tags["medad.cell"], entry.params, entry.points]
        digests = [inputs[run]["sha256"] for run in cell["metrics"]]
        entry.key = hashlib.sha256(canonical_json([*content, digests])).hexdigest()
        runs = tuple(run.removeprefix(_METRICS) for run in cell["metrics"])
        found.append(Cell(entry, runs, column != "all"))
    return found


def _point(row: Mapping[str, str]) -> tuple[str, int, float]:
    """Curve, K and AUROC of a CSV row; all of the pool is no place on an axis of K."""
    curve = f"{row['dataset']}/{row['split']}/{row['method']}"
    k = parse(row["shots"])
    return (
        (f"{curve}/full", 0, float(row["auroc"])) if k == FULL else (curve, k, float(row["auroc"]))
    )


def _cell(row: Mapping[str, str]) -> str:
    """Name of a CSV row's cell."""
    column = row["shots"] if row["shots"] == "all" else column_of(row["shots"])
    return "/".join([row["dataset"], row["split"], row["row"], column])


def _numbers(row: Mapping[str, str]) -> list[tuple[str, int, float]]:
    given = [(n, text) for n, text in row.items() if n not in (*_TEXT, "shots") and text]
    return [(name, 0, float(text)) for name, text in given]


def _resolved(root: Path, metrics: Mapping[str, Any]) -> dict[str, str]:
    """Parameters of every step of a method, by step; K and the replicate are in none of them."""
    found: dict[str, str] = {}
    for kind in _CHAIN:
        path = root / layout.manifest(kind, metrics["identity"])
        if path.is_file():
            found.update(flat(manifest.read(path)["params"], f"{kind}."))
    return found


def _goes_with(figure: Mapping[str, Any], name: str, table: Mapping[str, Any]) -> bool:
    """Whether a figure is of this table, or shows a run or, where it shows none, a dataset of it.

    Other tables do not matter: a new one leaves the versions of those there are.
    """
    if "table" in figure["params"]:
        return bool(figure["params"]["table"] == name)
    place = f"{figure['identity']['dataset']}/{figure['identity']['split']}/"
    read = {place + n.partition("/")[2] for n in figure["inputs"] if n.count("/") == 3}
    runs = shown(table["inputs"])
    return bool(read & runs) if read else any(run.startswith(place) for run in runs)


def _whole(root: Path, found: Mapping[str, Any]) -> bool:
    return all((root / item["path"]).is_file() for item in found["outputs"].values())
