"""What a number is: its value with all that its table and the paper say of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from medad.errors import MedadError
from medad.lineage import evidence
from medad.lineage.graph import Node

_NUMBERS = ("sd", "low", "high", "paper", "difference", "vs_baseline", "vs_low", "vs_high")
_TEXTS = ("method", "standing", "verdict", "reason")


def of_cell(
    root: Path, table: Node, intervals: Node, name: str, entry: Mapping[str, Any]
) -> dict[str, Any]:
    """The entry of the cell map, and what the CSV and the table's parameters add.

    ``paper`` is the published value nearest to ours, ``published`` every one that is printed;
    ``confidence`` is that of the interval, which is in ``interval_file`` (path and sha256) and
    rests on the scores of the baseline too; ``together`` is the interval of the difference that
    holds for all K of the row, None where there is one K. ``row_label`` says whether the paper
    names the row.
    MedadError when the CSV has no such line, or says another value.
    """
    line = _line(root, table, name)
    if abs(float(line["auroc"]) - entry["value"]) > 10.0 ** -entry["decimals"]:
        raise MedadError(
            f"{table.manifest['outputs']['csv']['path']}: {name} is {line['auroc']}, and "
            f"{entry['value']} in the cell map; make the table again"
        )
    params = table.manifest["params"]
    row = _row(params, line["row"])
    return {
        **entry,
        "metric": params["metric"],
        "confidence": intervals.manifest["params"]["confidence"],
        "interval_file": {
            key: intervals.manifest["outputs"]["intervals"][key] for key in ("path", "sha256")
        },
        **{key: float(line[key]) if line[key] else None for key in _NUMBERS},
        "together": _together(line, intervals.manifest["params"]["shots"]),
        **{key: line[key] for key in _TEXTS},
        "because": params["standings"].get(line["method"], ["", ""])[1],
        "baseline": params["baseline"],
        "published": _published(row, name.split("/")[0], name.rpartition("/")[2]),
        "row_label": row["confidence"] if row else None,
        "source": params["source"],
    }


def of_run(root: Path, metrics: Node) -> dict[str, Any]:
    """One draw's AUROC and every other metric of it."""
    values = evidence.json_of(root, metrics, "metrics")
    return {
        "value": values["auroc"],
        "metric": "auroc",
        "n": 1,
        "aggregation": "one draw",
        "metrics": [metrics.manifest["outputs"]["metrics"]["path"]],
        "values": values,
    }


def _line(root: Path, table: Node, name: str) -> dict[str, str]:
    dataset, split, row, column = name.split("/")
    wanted = (dataset, split, row, column.removeprefix("K"))
    for line in evidence.csv_of(root, table, "csv"):
        if tuple(line[key] for key in ("dataset", "split", "row", "shots")) == wanted:
            return line
    raise MedadError(f"{table.path}: its CSV has no line {name}; make the table again")


def _together(line: Mapping[str, str], shots: Sequence[int]) -> list[float] | None:
    if len(shots) == 1 or not line["vs_sim_low"]:
        return None
    return [float(line["vs_sim_low"]), float(line["vs_sim_high"])]


def _row(params: Mapping[str, Any], label: str) -> Mapping[str, Any] | None:
    """The published row of that label; a method without one is its own row."""
    return next((row for row in params["rows"] if row["label"] == label), None)


def _published(row: Mapping[str, Any] | None, dataset: str, column: str) -> list[float]:
    printed = row["published"] if row else {}
    if any(isinstance(value, Mapping) for value in printed.values()):
        printed = printed.get(dataset, {})
    found = printed.get(column, [])
    return list(found) if isinstance(found, list) else [found]
