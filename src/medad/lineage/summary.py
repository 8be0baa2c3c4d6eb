"""The numbers of finished tables as DVC shows them: derived from results/tables, part of no step.

``results/summary/metrics/<table>.json`` is for `dvc metrics` and `dvc exp`, ``plots/<table>.csv``
for `dvc plots`. Equal tables give equal bytes, and a file that would not change is not written.
"""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

from medad import layout
from medad.errors import MedadError
from medad.files import canonical_json, read_csv, write_bytes
from medad.lineage import manifest, views

STAGE = "summary"
FOLDER = views.SUMMARY
_NUMBERS = ("auroc", "low", "high")
_COLUMNS = ("place", "row", "shots", *_NUMBERS)


def write(root: Path) -> list[str]:
    """Bring results/summary up to date with the tables on disk; the names of the tables.

    Files of tables that are gone are removed. MedadError without a finished table.
    """
    wanted: dict[Path, bytes] = {}
    names = []
    for path in sorted((root / "results/tables").glob(f"*{layout.MANIFEST}")):
        table = path.name.removesuffix(layout.MANIFEST)
        rows = read_csv(_table(root, manifest.read(path)))
        wanted[root / FOLDER / "metrics" / f"{table}.json"] = canonical_json(_metrics(rows))
        wanted[root / FOLDER / "plots" / f"{table}.csv"] = _points(rows)
        names.append(table)
    if not names:
        raise MedadError("results/tables: no finished table; run `snakemake --cores 8` first")
    for file, content in wanted.items():
        if not file.is_file() or file.read_bytes() != content:
            write_bytes(file, content)
    for file in sorted((root / FOLDER).rglob("*")):
        if file.is_file() and file not in wanted:
            file.unlink()
    return names


def _table(root: Path, found: dict[str, Any]) -> Path:
    path = root / str(found["outputs"]["csv"]["path"])
    if not path.is_file():
        raise MedadError(f"{path}: missing; make it with `snakemake --cores 8 {path}`")
    return path


def _metrics(rows: list[dict[str, str]]) -> dict[str, Any]:
    """dataset -> split -> row -> column -> the cell's mean and its interval."""
    found: dict[str, Any] = {}
    for row in rows:
        place = found.setdefault(row["dataset"], {}).setdefault(row["split"], {})
        column = row["shots"] if row["shots"] == "all" else f"K{row['shots']}"
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
