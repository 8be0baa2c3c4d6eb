"""What the pages are made of, read once each: tables, cells, draws, scores, the index."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medad import layout
from medad.errors import MedadError
from medad.evaluation.scores import Scores, read_scores
from medad.files import read_npz, read_parquet
from medad.lineage import audit, cells
from medad.lineage.graph import Graph, Node
from medad.reporting.table import read_lines
from medad.shot_counts import column as column_of
from medad.shot_counts import label
from medad.site.text import column_name, slug

Row = dict[str, Any]  # of an index or a split


@dataclass(frozen=True)
class Run:
    """One draw behind a cell, as ``audit.cell`` tells it."""

    identity: Mapping[str, Any]
    values: Mapping[str, Any]
    draw: list[dict[str, str]]
    artifacts: Mapping[str, Mapping[str, str]]
    seeds: Mapping[str, Mapping[str, int]]

    @property
    def k(self) -> int:
        return int(self.identity["k"])

    @property
    def r(self) -> int:
        return int(self.identity["r"])

    @property
    def name(self) -> str:
        return f"{label(self.k)}, draw {self.r}"

    def file(self, kind: str, output: str) -> str | None:
        """Path of an output of the step of this kind; None where this run has no such step."""
        suffix = layout.SUFFIXES[kind][output]
        found = [path for path in self.artifacts.get(kind, {}) if path.endswith(suffix)]
        return found[0] if found else None


@dataclass(frozen=True)
class Cell:
    """One number of a table: its line of the CSV, its audit (without ``runs``), and its draws."""

    table: str
    name: str
    entry: Mapping[str, str]
    standing: tuple[str, str]
    audit: Mapping[str, Any]
    runs: list[Run]

    @property
    def dataset(self) -> str:
        return self.entry["dataset"]

    @property
    def split(self) -> str:
        return self.entry["split"]

    @property
    def title(self) -> str:
        return f"{self.entry['row']}, {column_name(self.entry['shots'])}"

    @property
    def slug(self) -> str:
        return slug(self.table, self.name)

    @property
    def page(self) -> str:
        return f"cells/{self.slug}.html"


@dataclass(frozen=True)
class Table:
    """One table: its manifest, and name ("dataset/split/row/K4") -> line of its CSV; of one K
    without the means over K, which are the same."""

    name: str
    node: Node
    entries: dict[str, dict[str, str]]

    @property
    def params(self) -> Mapping[str, Any]:
        return dict(self.node.manifest["params"])

    def slug(self, name: str) -> str:
        """File name of a cell's page; that of ``Cell.slug``."""
        return slug(self.name, name)


@dataclass
class Material:
    """Everything below a project's root that the pages show."""

    root: Path
    known: dict[str, Node] = field(default_factory=dict)
    _scores: dict[str, Scores] = field(default_factory=dict)
    _rows: dict[str, dict[str, Row]] = field(default_factory=dict)
    _maps: dict[str, NDArray[np.floating[Any]]] = field(default_factory=dict)

    @cached_property
    def graph(self) -> Graph:
        return Graph(self.root)

    def tables(self) -> list[Table]:
        """Every table with its cell map, by name; MedadError for one whose CSV is not its map's."""
        found = []
        for file in cells.tables(self.root):
            name = file.name.removesuffix(layout.SUFFIXES["table"]["cells"])
            node = self.graph.node(layout.manifest("table", {"table": name}), self.known)
            path = self.root / layout.output("table", {"table": name}, "csv")
            if not path.is_file():
                raise MedadError(f"{path}: missing; make it again with `snakemake {path.name}`")
            entries = {_name(line): line for line in read_lines(path)}
            unknown = sorted(set(cells.cells(file)) ^ set(entries))
            if unknown:
                raise MedadError(f"{path}: {unknown[0]} is not in both CSV and cell map; run again")
            if len({line["shots"] for line in entries.values()} - {"all"}) == 1:
                entries = {n: line for n, line in entries.items() if line["shots"] != "all"}
            found.append(Table(name, node, entries))
        return found

    def sizes(self) -> list[Node]:
        """Every table of how many images splits hold, by path."""
        kinds = ((layout.parse_manifest(path)[0], path) for path in self.graph.paths)
        return [self.graph.node(path, self.known) for kind, path in kinds if kind == "sizes"]

    def cell(self, table: Table, name: str) -> Cell:
        """One cell with its audit."""
        entry = table.entries[name]
        column = name.rpartition("/")[2]
        target = layout.output("table", {"table": table.name}, "csv")
        found = audit.cell(
            self.root, target, entry["row"], column, entry["dataset"], entry["split"]
        )
        fields = Run.__dataclass_fields__
        runs = [Run(**{key: run[key] for key in fields}) for run in found["runs"]]
        standing, because = table.params["standings"][entry["method"]]
        # Every scored image of every draw is in there, and cells are kept until the end.
        rest = {key: value for key, value in found.items() if key != "runs"}
        return Cell(table.name, name, entry, (standing, because), rest, runs)

    def nodes(self, cell: Cell) -> list[Node]:
        """Steps of a cell: its draws with all they rest on, its intervals and its table."""
        paths = [layout.manifest("metrics", run.identity) for run in cell.runs]
        place = {"dataset": cell.dataset, "split": cell.split, "table": cell.table}
        found: dict[str, Node] = {}
        for path in paths:
            found.update({node.path: node for node in self.graph.node(path, self.known).up()})
        for last in (layout.manifest("intervals", place), layout.manifest("table", place)):
            found[last] = self.graph.node(last, self.known)
        return list(found.values())

    def scores(self, run: Run) -> Scores:
        path = run.file("score", "scores")
        if path is None:
            raise MedadError(f"{run.name}: its metrics name no scores; run `medad verify`")
        if path not in self._scores:
            self._scores[path] = read_scores(self.root / path)
        return self._scores[path]

    def has_maps(self, run: Run) -> bool:
        """Whether a run's anomaly maps are on this machine."""
        path = run.file("score", "maps")
        return path is not None and (self.root / path).is_file()

    def maps(self, run: Run) -> NDArray[np.floating[Any]] | None:
        """Anomaly maps (n, h, w) beside the scores; None when there are none on this machine."""
        path = run.file("score", "maps")
        if path is None or not self.has_maps(run):
            return None
        if path not in self._maps:
            self._maps.clear()  # of one run at a time: they are large
            self._maps[path] = read_npz(self.root / path)["maps"]
        return self._maps[path]

    def index(self, dataset: str) -> dict[str, Row]:
        """Path of an image -> its row of the index."""
        return self._by_path(layout.output("index", {"dataset": dataset}, "index"))

    def split(self, dataset: str, split: str) -> dict[str, Row]:
        """Path of an image -> its row of the split."""
        return self._by_path(layout.output("split", {"dataset": dataset, "split": split}, "split"))

    def _by_path(self, path: str) -> dict[str, Row]:
        if path not in self._rows:
            columns = read_parquet(self.root / path)
            lines = zip(*columns.values(), strict=True)
            rows = [dict(zip(columns, line, strict=True)) for line in lines]
            self._rows[path] = {row["path"]: row for row in rows}
        return self._rows[path]

    def figures(self) -> list[dict[str, str]]:
        """Dataset, split, name and path of every figure, by path."""
        found = []
        for path in self.graph.paths:
            kind, identity = layout.parse_manifest(path)
            file = layout.output(kind, identity, "figure") if kind == "figure" else ""
            if file and (self.root / file).is_file():
                found.append({**{k: str(v) for k, v in identity.items()}, "path": file})
        return found

    @cached_property
    def splits(self) -> list[tuple[str, str]]:
        """(dataset, split) of every split, sorted."""
        parsed = (layout.parse_manifest(path) for path in self.graph.paths)
        return sorted(
            (str(identity["dataset"]), str(identity["split"]))
            for kind, identity in parsed
            if kind == "split"
        )


def _name(line: Mapping[str, str]) -> str:
    column = "all" if line["shots"] == "all" else column_of(line["shots"])
    return f"{line['dataset']}/{line['split']}/{line['row']}/{column}"
