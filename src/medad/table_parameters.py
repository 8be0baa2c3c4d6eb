"""What a table of workflow/tables depends on, by value."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from medad.errors import MedadError

if TYPE_CHECKING:
    from medad.parameters import Parameters

BASELINE = "patchcore"
TABLES = Path("workflow/tables")


def of_sizes(asked: Parameters, name: str) -> dict[str, Any]:
    """Entry of a table that says how large splits are, and the splits it tells of."""
    runs = asked.config.runs
    return {**asked.sizes[name], "datasets": runs.datasets, "splits": runs.splits}


def of_intervals(asked: Parameters, name: str) -> dict[str, Any]:
    """What the intervals of a table are computed of and how; MedadError for an unknown table."""
    evaluation = asked.config.evaluation
    return {
        **_spanned(asked, name),
        "resamples": evaluation.resamples,
        "confidence": evaluation.confidence,
    }


def of_table(asked: Parameters, name: str) -> dict[str, Any]:
    """Entry of a table, and what of the configuration it shows; MedadError for an unknown one."""
    spanned = _spanned(asked, name)
    config, content, methods = asked.config, asked.tables[name], spanned["methods"]
    named = [row["method"] for row in content["rows"] if row["method"] is not None]
    claimed = {row["method"] for row in content["rows"] if "backbone" in row}
    return {
        **content,
        **({"backbones": {n: asked.backbone_of(n) for n in claimed}} if claimed else {}),
        **spanned,
        "standings": {n: [config.methods[n].standing, config.methods[n].because] for n in methods},
        "obstacles": {n: asked.obstacle(n) for n in named if n not in methods},
        "datasets": config.runs.datasets,
        "splits": config.runs.splits,
    }


def _spanned(asked: Parameters, name: str) -> dict[str, Any]:
    if name not in asked.tables:
        known = ", ".join([*asked.tables, *asked.sizes])
        raise MedadError(f"table: got {name!r}; {TABLES} has: {known}")
    runs = asked.config.runs
    return {
        "shots": runs.shots,
        "draws": runs.draws,
        "methods": asked.table_methods(name),
        "baseline": asked.tables[name].get("baseline", BASELINE),
    }
