"""The machine-readable forms of a table: one CSV line a cell, and the map from cells to files."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from medad.errors import MedadError
from medad.files import read_csv
from medad.reporting.cells import ALL, Cell

DECIMALS = 4
COLUMNS = (
    *("dataset", "split", "row", "method", "standing", "shots"),
    *("auroc", "sd", "low", "high", "n", "auroc_grouped", "auroc_sigmoid", "pixel_auroc"),
    *("paper", "difference", "verdict", "reason"),
    *("vs_baseline", "vs_low", "vs_high", "vs_sim_low", "vs_sim_high"),
)
_ALWAYS = ("auroc", "low", "high", "n", "auroc_grouped")
_NUMBERS = (
    *_ALWAYS,
    *("sd", "auroc_sigmoid", "pixel_auroc", "paper", "difference"),
    *("vs_baseline", "vs_low", "vs_high", "vs_sim_low", "vs_sim_high"),
)


def csv_rows(cells: Sequence[Cell]) -> list[dict[str, str]]:
    """Lines with ``COLUMNS``; empty where there is nothing to say, four decimals elsewhere.

    ``shots`` is K or "all", the mean over K, whose ``vs_`` columns are the primary claim.
    ``paper`` is the published value nearest to ours.
    """
    return [_csv_row(cell) for cell in cells]


def _csv_row(cell: Cell) -> dict[str, str]:
    paper = cell.comparison.paper
    versus = cell.difference
    together = versus.together if versus and versus.together else (None, None)
    reasons = [cell.comparison.reason, copies_note(cell)]
    return {
        "dataset": cell.dataset,
        "split": cell.split,
        "row": cell.row,
        "method": cell.method,
        "standing": cell.standing,
        "shots": cell.shots,
        "auroc": number(cell.auroc),
        "sd": number(cell.sd),
        "low": number(cell.low),
        "high": number(cell.high),
        "n": str(cell.n),
        "auroc_grouped": number(cell.auroc_grouped),
        "auroc_sigmoid": number(cell.auroc_sigmoid),
        "pixel_auroc": number(cell.pixel_auroc),
        "paper": number(min(paper, key=lambda one: abs(cell.auroc - one)) if paper else None),
        "difference": number(cell.comparison.difference),
        "verdict": cell.comparison.verdict,
        "reason": "; ".join(reason for reason in reasons if reason),
        "vs_baseline": number(versus.value if versus else None),
        "vs_low": number(versus.low if versus else None),
        "vs_high": number(versus.high if versus else None),
        "vs_sim_low": number(together[0]),
        "vs_sim_high": number(together[1]),
    }


def read_lines(path: Path) -> list[dict[str, str]]:
    """What ``csv_rows`` gave, of a file that may be a stranger's.

    MedadError, with line and column, where a column is missing or a number is none.
    """
    lines = read_csv(path)
    for at, line in enumerate(lines, start=2):
        missing = [name for name in COLUMNS if name not in line]
        if missing:
            raise MedadError(f"{path}: no column {missing[0]!r}; not a table's CSV of medad")
        for name in _NUMBERS:
            if (line[name] or name in _ALWAYS) and not _finite(line[name]):
                raise MedadError(
                    f"{path}, line {at}: {name}: got {line[name]!r}, allowed: a number; "
                    "`medad verify` tells what has changed"
                )
    return lines


def _finite(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def copies_note(cell: Cell) -> str:
    """What the paired difference is of, when that is not the AUROC in the cell."""
    if number(cell.clean) == number(cell.auroc):
        return ""
    return (
        "copies of a draw's own shots are tested; the paired difference leaves them out (AUROC "
        f"{number(cell.clean)} [{number(cell.clean_low)}, {number(cell.clean_high)}] without them)"
    )


def number(value: float | None) -> str:
    """Fixed decimals, never a negative zero; nothing for None."""
    return "" if value is None else f"{value:z.{DECIMALS}f}"


def cell_map(cells: Sequence[Cell]) -> dict[str, Any]:
    """Where every number of the table comes from: cell name to value, rule and file names."""
    return {
        "cells": {
            cell.name: {
                "value": cell.auroc,
                "decimals": DECIMALS,
                "n": cell.n,
                "aggregation": (
                    "mean over draws and shot counts" if cell.shots == ALL else "mean over draws"
                ),
                "metrics": list(cell.metrics),
                "intervals": cell.intervals,
            }
            for cell in cells
        }
    }
