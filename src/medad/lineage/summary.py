"""The numbers of finished tables as DVC shows them: derived from results/tables, part of no step.

``results/summary/metrics/<table>.json`` is for `dvc metrics` and `dvc exp`, ``plots/<table>.csv``
for `dvc plots`. Equal tables give equal bytes, and a file that would not change is not written.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from medad import layout
from medad.errors import MedadError
from medad.files import canonical_json, write_bytes
from medad.lineage import evidence, inventory, views
from medad.lineage.graph import Graph
from medad.lineage.inventory import Inventory, Problem
from medad.shot_counts import column as column_of

STAGE = "summary"
FOLDER = views.SUMMARY
_NUMBERS = ("auroc", "low", "high")
_COLUMNS = ("place", "row", "shots", *_NUMBERS)
_PART = re.compile(r"\..+\.[0-9]+")  # being written: `files.write_bytes`


def write(root: Path) -> list[str]:
    """Bring results/summary up to date with the tables on disk; the names of the tables.

    Files of tables that are gone are removed. MedadError without a finished table, and for a table
    that is not what its manifest says; then nothing is written.
    """
    tables = _tables(root)
    if not tables:
        raise MedadError("results/tables: no finished table; run `snakemake --cores 8` first")
    wanted = {
        root / path: content for table in tables for path, content in _of(root, table).items()
    }
    for file, content in wanted.items():
        if not file.is_file() or file.read_bytes() != content:
            write_bytes(file, content)
    for file in sorted((root / FOLDER).rglob("*")):
        if file.is_file() and file not in wanted:
            file.unlink()
    return tables


def compare(root: Path, known: Inventory, everything: bool, notes: list[str]) -> Iterator[Problem]:
    """Files that are not what ``write`` would write of the tables that are known; with
    ``everything`` those of no table, too. One that is not there is no fault: nothing reads it.
    """
    here = {path for path in inventory.files(root, FOLDER) if not _passing(path)}
    if not here:
        return
    for table in _tables(root):
        files = _paths(table)
        named = here.intersection(files)
        here -= named
        made = known.output(layout.output("table", {"table": table}, "csv"))
        if made is None or not named:
            continue  # the table is not asked for, or its manifest is damaged
        try:
            wanted = _of(root, table)
        except (MedadError, KeyError, ValueError, TypeError):
            notes.append(f"{FOLDER}: not compared with {table}, which is not here or has changed")
            continue
        for path in sorted(named):
            fault = _fault(root / path, wanted[path])
            if fault:
                yield path, fault, None  # no number rests on it
    if everything:
        for path in sorted(here):
            yield path, "extra: of no table that is here; delete it", None


def _tables(root: Path) -> list[str]:
    """Names of the tables that have a manifest."""
    found = (root / "results/tables").glob(f"*{layout.MANIFEST}")
    return sorted(path.name.removesuffix(layout.MANIFEST) for path in found)


def _paths(table: str) -> tuple[str, str]:
    return f"{FOLDER}/metrics/{table}.json", f"{FOLDER}/plots/{table}.csv"


def _of(root: Path, table: str) -> dict[str, bytes]:
    """Path -> content of a table's files; MedadError when it is not what its manifest says."""
    node = Graph(root).alone(layout.manifest("table", {"table": table}))
    rows = evidence.csv_of(root, node, "csv")
    return dict(zip(_paths(table), (canonical_json(_metrics(rows)), _points(rows)), strict=True))


def _fault(file: Path, wanted: bytes) -> str:
    try:
        same = file.read_bytes() == wanted
    except OSError as error:
        return f"cannot be read ({error.strerror}); `medad dvc metrics` writes it again"
    return "" if same else "is not what its table says; `medad dvc metrics` writes it again"


def _passing(path: str) -> bool:
    """Whether a file is git's, or is just being written."""
    name = path.rpartition("/")[2]
    return name == ".gitignore" or _PART.fullmatch(name) is not None


def _metrics(rows: list[dict[str, str]]) -> dict[str, Any]:
    """dataset -> split -> row -> column -> the cell's mean and its interval."""
    found: dict[str, Any] = {}
    for row in rows:
        place = found.setdefault(row["dataset"], {}).setdefault(row["split"], {})
        column = row["shots"] if row["shots"] == "all" else column_of(row["shots"])
        given = {name: float(row[name]) for name in _NUMBERS if row[name]}
        place.setdefault(row["row"], {})[column] = given
    return found


def _points(rows: list[dict[str, str]]) -> bytes:
    """One line per dataset, split, row and K."""
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, _COLUMNS, lineterminator="\n", extrasaction="ignore")
    writer.writeheader()
    for row in rows:
        if row["shots"] != "all":
            writer.writerow({**row, "place": f"{row['dataset']}, {row['split']}"})
    return buffer.getvalue().encode()
