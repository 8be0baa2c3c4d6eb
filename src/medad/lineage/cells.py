"""The cell map of a table: from a row and a column to the metrics behind the number."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from medad.errors import MedadError
from medad.files import read_json
from medad.lineage import manifest

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


def affected(root: Path, manifests: Collection[str]) -> list[str]:
    """Cells whose numbers rest on any of these metrics, intervals or table manifests."""
    return sorted(set(_affected(root, set(manifests))))


def _affected(root: Path, manifests: set[str]) -> Iterator[str]:
    for file in tables(root):
        table = file.name.removesuffix(_SUFFIX)
        own = f"results/tables/{table}{manifest.SUFFIX}"
        try:
            table_manifest = manifest.read(root / own)
            known = cells(file)
        except MedadError:
            yield f"every cell of results/tables/{table}.csv"
            continue
        inputs, baseline = table_manifest["inputs"], table_manifest["params"]["baseline"]
        touched = {
            name for name, item in inputs.items() if manifest.beside(item["path"]) in manifests
        }
        # Intervals read the scores of every run, yet a cell's rest on its own and the baseline's.
        # They count for all cells when no run is touched: then they are at fault themselves.
        runs = any(name.startswith("metrics/") for name in touched)
        if not touched and own not in manifests:
            continue
        for name, cell in known.items():
            rests = {*cell["metrics"], *(_of(baseline, run) for run in cell["metrics"])}
            rests |= set() if runs else {cell["intervals"]}
            if not touched or not touched.isdisjoint(rests):
                yield f"results/tables/{table}.csv {name}"


def _of(method: str, run: str) -> str:
    """The same draw's metrics of another method: "metrics/<dataset>/<split>/<method>/k4/r0"."""
    parts = run.split("/")
    return "/".join([*parts[:3], method, *parts[4:]])
