"""The cell map of a table: from a row and a column to the metrics behind the number."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from medad.errors import MedadError
from medad.files import read_json

_SUFFIX = ".cells.json"
_FIELDS = {"aggregation": str, "decimals": int, "n": int, "value": float}


def tables(root: Path) -> list[Path]:
    """Every cell map, sorted."""
    return sorted((root / "results" / "tables").glob(f"*{_SUFFIX}"))


def cells(file: Path) -> dict[str, dict[str, Any]]:
    """Name ("dataset/split/row/K4") -> cell of one map; MedadError for a file that is none."""
    return checked(read_json(file), str(file))


def checked(value: Any, name: str) -> dict[str, dict[str, Any]]:
    """The cells of a parsed map, which errors call ``name``; MedadError when it is none."""
    found = value.get("cells") if isinstance(value, dict) else None
    if not isinstance(found, dict):
        raise MedadError(f"{name}: not the cell map of a table; restore it, or make it again")
    for cell, entry in found.items():
        if cell.count("/") != 3 or not isinstance(entry, dict) or not _whole(entry):
            raise MedadError(f"{name}: {cell[:80]!r} is no cell of a table; restore the map")
    return found


def _whole(entry: dict[str, Any]) -> bool:
    metrics = entry.get("metrics")
    return (
        isinstance(metrics, list)
        and all(isinstance(one, str) and one.count("/") == 5 for one in metrics)
        and isinstance(entry.get("intervals"), str)
        and all(type(entry.get(field)) is kind for field, kind in _FIELDS.items())
    )


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
