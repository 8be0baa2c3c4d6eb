"""CSV lines and the cell map."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from medad.errors import MedadError
from medad.files import write_csv
from medad.reporting.cells import Cell, build
from medad.reporting.table import COLUMNS, cell_map, csv_rows, number, read_lines

Cells = Callable[..., list[Cell]]


@pytest.fixture
def cells(report: Callable[..., Any]) -> Cells:
    """All cells, in order."""

    def listed(**options: Any) -> list[Cell]:
        made = report(**options)
        return build(made.layout, made.metrics, made.intervals)

    return listed


def test_one_line_a_cell_in_order(cells: Cells) -> None:
    rows = csv_rows(cells())
    assert [tuple(row) for row in rows] == [COLUMNS] * 12
    assert [(row["row"], row["shots"]) for row in rows[:4]] == [
        ("PatchCore", "2"),
        ("PatchCore", "4"),
        ("PatchCore", "all"),
        ("PaDiM", "2"),
    ]


def test_lines_come_back_and_those_of_strangers_are_looked_at(cells: Cells, tmp_path: Path) -> None:
    rows, path = csv_rows(cells()), tmp_path / "t.csv"
    write_csv(path, COLUMNS, rows)
    assert read_lines(path) == rows
    for name, value in (("low", "<b>1</b>"), ("sd", "nan"), ("auroc", ""), ("vs_low", "1e999")):
        write_csv(path, COLUMNS, [rows[0], {**rows[1], name: value}])
        with pytest.raises(MedadError, match=rf"t\.csv, line 3: {name}: got '{value}'"):
            read_lines(path)
    write_csv(path, COLUMNS[:-1], [{name: rows[0][name] for name in COLUMNS[:-1]}])
    with pytest.raises(MedadError, match=f"no column '{COLUMNS[-1]}'"):
        read_lines(path)


def test_a_full_line(cells: Cells) -> None:
    row = next(row for row in csv_rows(cells()) if (row["row"], row["shots"]) == ("CONSULT", "4"))
    assert row == {
        "dataset": "brain_mri",
        "split": "grouped",
        "row": "CONSULT",
        "method": "consult",
        "standing": "literal",
        "shots": "4",
        "auroc": "0.7900",
        "sd": "0.0141",
        "low": "0.7500",
        "high": "0.8300",
        "n": "2",
        "auroc_grouped": "0.7400",
        "auroc_sigmoid": "0.6400",
        "pixel_auroc": "0.9100",
        "paper": "0.7486",
        "difference": "0.0414",
        "verdict": "above",
        "reason": "the paper prints 0.8738 or 0.7486; either is accepted",
        "vs_baseline": "0.0400",
        "vs_low": "0.0100",
        "vs_high": "0.0700",
        "vs_sim_low": "-0.0200",
        "vs_sim_high": "0.1000",
    }


def test_the_mean_over_shots_has_the_primary_difference_only(cells: Cells) -> None:
    row = next(row for row in csv_rows(cells()) if (row["row"], row["shots"]) == ("PaDiM", "all"))
    assert (row["vs_baseline"], row["vs_low"], row["vs_high"]) == ("-0.0400", "-0.0900", "0.0100")
    assert row["vs_sim_low"] == row["vs_sim_high"] == row["pixel_auroc"] == ""


def test_the_baseline_is_not_compared_with_itself(cells: Cells) -> None:
    row = csv_rows(cells())[0]
    assert row["vs_baseline"] == row["vs_low"] == row["vs_sim_high"] == ""


def test_copies_are_named_where_they_count(cells: Cells) -> None:
    assert "copies" not in csv_rows(cells())[0]["reason"]
    assert csv_rows(cells(copies=0.01))[0]["reason"].endswith(
        "(AUROC 0.7200 [0.6800, 0.7600] without them)"
    )


def test_numbers_have_fixed_decimals_and_no_negative_zero() -> None:
    assert [number(value) for value in (0.5, -0.00001, None)] == ["0.5000", "0.0000", ""]


def test_the_cell_map_names_every_file(cells: Cells) -> None:
    made = cells()
    found = cell_map(made)["cells"]
    assert len(found) == len(made)
    assert found["brain_mri/grouped/CONSULT/K4"] == {
        "value": next(cell.auroc for cell in made if cell.name.endswith("CONSULT/K4")),
        "decimals": 4,
        "n": 2,
        "aggregation": "mean over draws",
        "metrics": [f"metrics/brain_mri/grouped/consult/k4/r{r}" for r in (0, 1)],
        "intervals": "intervals/brain_mri/grouped",
    }
    assert (
        found["brain_mri/grouped/CONSULT/all"]["aggregation"] == "mean over draws and shot counts"
    )
    assert len(found["brain_mri/grouped/CONSULT/all"]["metrics"]) == 4
