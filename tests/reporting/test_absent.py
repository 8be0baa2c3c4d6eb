"""Published values of data sets that are not here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from medad.reporting.absent import section


def test_what_is_printed_of_other_data_sets_and_the_papers_mean(
    report: Callable[..., Any],
) -> None:
    made = report(datasets=("busi",))
    rows = list(made.layout.rows)
    rows[1] = replace(rows[1], published={"busi": {2: (0.9,)}, "covid": {2: (0.7,)}})
    rows[2] = replace(rows[2], published={"busi": {2: (0.6, 0.8)}, "covid": {2: (0.8, 0.9)}})
    rows[3] = replace(rows[3], published={"covid": {2: (0.5,)}})
    layout = replace(made.layout, rows=tuple(rows), paper_dataset=None)
    assert section(layout)[2:] == [
        "| the paper's image AUROC | covid K2 |",
        "| --- | --- |",
        "| **PaDiM** | 0.7000 |",
        "| **PatchCore** | 0.8000 or 0.9000 |",
        "| **CONSULT** | 0.5000 |",
        "",
    ]
    shown = section(replace(layout, average=True))
    assert shown[2] == "| the paper's image AUROC | covid K2 | mean of 2, K2 |"
    # Of two printed values their mean; none where a data set has no value.
    assert [line.rpartition("0 | ")[2] for line in shown[4:7]] == ["0.800 |", "0.775 |", " |"]


def test_nothing_is_said_where_all_are_here(report: Callable[..., Any]) -> None:
    assert section(report().layout) == []
