"""The cell map of a table: from a row and a column to the metrics behind the number."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from medad.errors import MedadError
from medad.files import read_json

_SUFFIX = ".cells.json"


def tables(root: Path) -> list[Path]:
    """Every cell map, sorted."""
    return sorted((root / "results" / "tables").glob(f"*{_SUFFIX}"))


def cells(file: Path) -> dict[str, dict[str, Any]]:
    """Name ("dataset/split/row/K4") -> cell of one map."""
    found = read_json(file)["cells"]
    return dict(found)


def find(
    file: Path, row: str, column: str, dataset: str | None, split: str | None
) -> tuple[str, dict[str, Any]]:
    """The one cell meant of a map; MedadError listing what there is when none or several match."""
    return choose(cells(file), row, column, dataset, split)


def choose(
    known: dict[str, dict[str, Any]], row: str, column: str, dataset: str | None, split: str | None
) -> tuple[str, dict[str, Any]]:
    """As ``find``, among the cells of a map that has been read."""
    wanted = [dataset, split, row, column]
    matches = [
        name
        for name in known
        if all(
            want is None or want.casefold() == part.casefold()
            for want, part in zip(wanted, name.split("/"), strict=True)
        )
    ]
    if len(matches) == 1:
        return matches[0], known[matches[0]]
    what = (
        f"{row}, {column}" + (f", {dataset}" if dataset else "") + (f", {split}" if split else "")
    )
    problem = "is not a cell" if not matches else "is more than one cell; add --dataset or --split"
    raise MedadError(f"{what}: {problem}; cells: {'; '.join(matches or known)}")
