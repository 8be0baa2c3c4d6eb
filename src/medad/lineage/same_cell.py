"""One cell of two tables: whether it is the same, and what of all that differs made the change.

A cell is a whole line of a table. What its columns rest on is told in ``lineage.blame``; a column
that is equal in both tables makes nothing a cause: the scores of another K are one where the
simultaneous interval differs, which is of all K together.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from medad import layout
from medad.errors import MedadError
from medad.lineage.differences import Cause, own
from medad.lineage.frontier import Side, Walk, paired
from medad.lineage.targets import Target

# Parameters of a table that are in no cell.
_AROUND = ("title", "notes", "source", "about", "metric")
# Columns that rest on all K of a row: see `evaluation.intervals.simultaneous`.
_TOGETHER = ("vs_sim_low", "vs_sim_high")


@dataclass(frozen=True)
class Drawn:
    """A cell with its table. ``metrics``: input of the table -> path, one a draw and K; ``line``:
    what the CSV says of it, empty where the CSV is not here."""

    manifest: Mapping[str, Any]
    dataset: str
    split: str
    row: str
    column: str
    metrics: Mapping[str, str]
    intervals: str
    line: Mapping[str, str]

    @property
    def methods(self) -> set[str]:
        """Those whose scores the cell and its difference from the baseline rest on: at its own K,
        and at every K where its simultaneous interval is meant."""
        own_methods = {name.split("/")[3] for name in self.metrics}
        return own_methods | {str(self.manifest["params"].get("baseline"))}

    def sha256(self, name: str) -> str:
        return str(self.manifest["inputs"][name]["sha256"])


def drawn(side: Side, target: Target) -> Drawn:
    """MedadError when the table's manifest does not have what its cell map names."""
    manifest = side.manifest(target.manifest)
    if manifest is None or target.cell is None:
        raise MedadError(f"{target.label}: no cell whose table has a manifest")
    name, entry = target.cell
    dataset, split, row, column = name.split("/")
    inputs = manifest["inputs"]
    lost = [one for one in [*entry["metrics"], entry["intervals"]] if one not in inputs]
    if lost:
        raise MedadError(f"{target.label}: its table did not read {', '.join(lost)}; make it again")
    csv_path = layout.output("table", manifest["identity"], "csv")
    lines: list[dict[str, str]] = []
    if side.place.has(csv_path):
        lines = list(csv.DictReader(io.StringIO(side.place.read(csv_path).decode(), newline="")))
    wanted = {"dataset": dataset, "split": split, "row": row, "shots": column.removeprefix("K")}
    matching = [one for one in lines if wanted.items() <= one.items()]
    return Drawn(
        manifest,
        *(dataset, split, row, column),
        metrics={one: inputs[one]["path"] for one in entry["metrics"]},
        intervals=str(entry["intervals"]),
        line=matching[0] if len(matching) == 1 else {},
    )


def is_same_cell(one: Side, a: Target, two: Side, b: Target) -> bool:
    """Whether the table says the same of it, to every digit, from the same metrics."""
    old, new = drawn(one, a), drawn(two, b)
    told = [target.cell[1]["value"] if target.cell else None for target in (a, b)]
    metrics = [sorted(cell.sha256(name) for name in cell.metrics) for cell in (old, new)]
    return told[0] == told[1] and old.line == new.line and metrics[0] == metrics[1]


def cell_causes(one: Side, a: Target, two: Side, b: Target) -> list[Cause]:
    """The first differences behind a cell: those of its draws, and those of its intervals and of
    what the table says of it; of the draws of another K where its simultaneous interval differs."""
    old, new = drawn(one, a), drawn(two, b)
    every_k = any(old.line.get(name) != new.line.get(name) for name in _TOGETHER)
    walk = Walk(one, two)
    for before, after in paired(old.metrics, new.metrics):
        if old.sha256(before) != new.sha256(after):
            walk.visit(_maker(old.metrics[before]), _maker(new.metrics[after]))
    if old.line != new.line and old.manifest["key"] != new.manifest["key"]:
        walk.causes += own(old.manifest, new.manifest, b.manifest)
        if old.sha256(old.intervals) != new.sha256(new.intervals):
            paths = [cell.manifest["inputs"][cell.intervals]["path"] for cell in (old, new)]
            methods, columns = old.methods | new.methods, _shots(old) | _shots(new)

            def reads(name: str) -> bool:
                kind, *rest = name.split("/")
                if kind == "shots":  # they tell which images all intervals resample
                    return True
                return rest[0] in methods and (every_k or rest[-2] in columns)

            walk.visit(_maker(paths[0]), _maker(paths[1]), reads)
    found = [cause for cause in walk.causes if _concerns(new, cause, every_k)]
    # Which K there are may tell which images are resampled; most often they are the same.
    found = found or [cause for cause in walk.causes if cause.what == "K"]
    if not found:
        walk.visit(a.manifest, b.manifest)
        found = walk.causes
    return found


def _maker(path: str) -> str:
    made = layout.parse(path)
    if made is None:
        raise MedadError(f"{path}: not an artifact of medad, yet a table reads it")
    return layout.manifest(*made)


def _shots(cell: Drawn) -> set[str]:
    """The K of its metrics, as they are written in names: "k4"."""
    return {name.split("/")[-2] for name in cell.metrics}


def _concerns(cell: Drawn, cause: Cause, every_k: bool) -> bool:
    """Whether a cause in the table or in the intervals is one of this cell; ``every_k``: whether
    the columns that rest on all K of its row differ."""
    if cause.step not in ("table", "intervals"):
        return True
    if cause.sort == "selection":
        return cause.what == "replicate" or (
            cause.what == "K" and (every_k or cell.column == "all")
        )
    if cause.sort == "published":
        own = (f"{cell.row}, {cell.column}", f"{cell.row}, {cell.dataset}, {cell.column}")
        return cause.what in own
    if cause.sort != "parameter":
        return True
    first, _, rest = cause.what.partition(".")
    if first == "rows":
        return rest.startswith(f"{cell.row}.")
    if first in ("standings", "obstacles", "repeats"):
        return rest.split(".")[0] in cell.methods
    return first not in _AROUND
