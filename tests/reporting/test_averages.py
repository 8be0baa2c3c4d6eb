"""The mean over data sets against sums by hand."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from medad.reporting.averages import section
from medad.reporting.cells import build
from medad.reporting.published import Comparison

Two = tuple[Any, list[Any], dict[str, Any]]


@pytest.fixture
def two(report: Callable[..., Any]) -> Two:
    """A table of two data sets, of which PatchCore has values printed for both."""
    made = report(datasets=("brain_mri", "busi"))
    rows = list(made.layout.rows)
    published = {"brain_mri": {2: (0.7,), 4: (0.9,)}, "busi": {2: (0.6, 0.8)}}
    rows[2] = replace(rows[2], published=published)
    layout = replace(made.layout, rows=tuple(rows), paper_dataset=None, average=True)
    intervals = {name: dict(found) for name, found in made.intervals.items()}
    return layout, build(layout, made.metrics, intervals), intervals


def test_means_errors_and_the_papers(two: Two) -> None:
    layout, cells, intervals = two
    lines = section(layout, cells, intervals)
    assert lines[2].startswith("Of brain_mri, busi;")
    (line,) = [line for line in lines if line.startswith("| **PatchCore**")]
    cell = [part.strip() for part in line.removeprefix("|").removesuffix("|").split("|")]
    # .70 + .02 and + .02 r of two draws; se .02 of each data set.
    reach = 1.959964 * (2 * 0.02**2) ** 0.5 / 2
    assert cell[1] == f"0.730 [{0.73 - reach:.3f}, {0.73 + reach:.3f}]"
    assert cell[2:4] == ["0.700", "+0.030"]
    # K = 4 is printed for one of the two: no mean to compare with.
    assert cell[5:] == ["", ""]


def test_the_interval_is_of_the_mean_beside_it_and_within_0_and_1(
    report: Callable[..., Any],
) -> None:
    made = report(datasets=("brain_mri", "busi"), copies=0.1)
    layout = replace(made.layout, average=True)
    cells = build(layout, made.metrics, made.intervals)

    def shown(se: float) -> str:
        intervals = {name: copy.deepcopy(found) for name, found in made.intervals.items()}
        for found in intervals.values():
            found["levels"]["patchcore"]["2"]["auroc_se"] = se
        lines = section(layout, cells, intervals)
        (line,) = [line for line in lines if line.startswith("| **PatchCore**")]
        return line.split("|")[2].strip()

    reach = 1.959964 * (2 * 0.02**2) ** 0.5 / 2
    assert shown(0.02) == f"0.730 [{0.73 - reach:.3f}, {0.73 + reach:.3f}]"
    assert shown(1.0) == "0.730 [0.000, 1.000]"


def test_no_difference_from_a_mean_of_another_backbone(two: Two) -> None:
    layout, cells, intervals = two
    other = Comparison((0.7,), None, "not comparable", "the paper's backbone is another")
    changed = [replace(cell, comparison=other) for cell in cells]
    lines = section(layout, changed, intervals)
    (line,) = [line for line in lines if line.startswith("| **PatchCore**")]
    assert [part.strip() for part in line.split("|")][3:5] == ["0.700", ""]


def test_only_where_it_is_asked_for_and_says_something(
    two: Two, report: Callable[..., Any]
) -> None:
    layout, cells, intervals = two
    assert section(replace(layout, average=False), cells, intervals) == []
    made = report()
    one = build(made.layout, made.metrics, made.intervals)
    assert section(replace(made.layout, average=True), one, made.intervals) == []
