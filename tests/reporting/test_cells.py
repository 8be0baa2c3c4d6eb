"""Cells are means over draws, compared only with what they may be compared with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from medad.errors import MedadError
from medad.reporting.cells import build

Cells = Callable[..., dict[str, Any]]


@pytest.fixture
def cells(report: Callable[..., Any]) -> Cells:
    """Cells by name."""

    def named(**options: Any) -> dict[str, Any]:
        made = report(**options)
        return {cell.name: cell for cell in build(made.layout, made.metrics, made.intervals)}

    return named


def test_means_and_spreads_over_draws(cells: Cells) -> None:
    cell = cells()["brain_mri/grouped/CONSULT/K4"]
    assert cell.auroc == pytest.approx(0.79)
    assert cell.sd == pytest.approx(0.02 / 2**0.5)
    assert (cell.low, cell.high) == pytest.approx((0.75, 0.83))
    assert (cell.n, cell.auroc_grouped, cell.pixel_auroc) == (2, 0.74, pytest.approx(0.91))
    assert cell.metrics == tuple(f"metrics/brain_mri/grouped/consult/k4/r{r}" for r in (0, 1))
    assert cell.intervals == "intervals/brain_mri/grouped"


def test_the_mean_over_shots_keeps_draws_apart(cells: Cells) -> None:
    cell = cells()["brain_mri/grouped/PatchCore/all"]
    assert cell.auroc == pytest.approx(0.74)
    assert cell.sd == pytest.approx(0.02 / 2**0.5)
    assert (cell.n, len(cell.metrics)) == (2, 4)
    assert cell.comparison.reason == "the paper prints no mean over K"
    assert cell.difference is None


def test_verdicts_by_row(cells: Cells) -> None:
    named = cells()
    found = {
        name.removeprefix("brain_mri/grouped/"): cell.comparison.verdict
        for name, cell in named.items()
        if not name.endswith("all")
    }
    assert found == {
        "PatchCore/K2": "reproduced",
        "PatchCore/K4": "below",
        "PaDiM/K2": "not comparable",
        "PaDiM/K4": "not comparable",
        "CONSULT/K2": "above",
        "CONSULT/K4": "above",
        "mine/K2": "not comparable",
        "mine/K4": "not comparable",
    }
    assert named["brain_mri/grouped/CONSULT/K4"].comparison.difference == pytest.approx(0.0414)
    assert named["brain_mri/grouped/mine/K2"].comparison.reason == "no published value"


def test_a_verdict_is_of_the_auroc_in_the_cell_and_its_own_interval(cells: Cells) -> None:
    name = "brain_mri/grouped/PatchCore/K2"
    plain, lifted = cells()[name], cells(copies=0.2)[name]
    assert (lifted.low, lifted.high) == (plain.low, plain.high)
    assert lifted.comparison == plain.comparison
    clean = (lifted.clean_low, lifted.clean_high)
    assert clean == pytest.approx((plain.low - 0.2, plain.high - 0.2))


def test_an_inferred_row_is_neither_shown_nor_compared(cells: Cells) -> None:
    found = cells()["brain_mri/grouped/PaDiM/K2"].comparison
    assert (found.paper, found.difference) == ((), None)
    assert found.reason == "the row's label is inferred"


def test_other_images_are_not_compared(cells: Cells) -> None:
    found = cells(datasets=("phantom",))["phantom/grouped/PatchCore/K2"].comparison
    assert found.paper == (0.7201,)
    assert (found.verdict, found.difference) == ("not comparable", None)
    assert found.reason == "the paper's images are brain_mri, these are phantom"


def test_differences_carry_both_intervals(cells: Cells) -> None:
    named = cells()
    one = named["brain_mri/grouped/CONSULT/K2"].difference
    assert one.value == pytest.approx(0.04)
    assert one.together == pytest.approx((-0.02, 0.10))
    assert named["brain_mri/grouped/CONSULT/all"].difference.together is None


def test_pixel_auroc_is_none_without_maps(cells: Cells) -> None:
    assert cells()["brain_mri/grouped/PaDiM/K2"].pixel_auroc is None


def test_files_of_different_scores_are_refused(report: Callable[..., Any]) -> None:
    made = report()
    made.metrics["metrics/brain_mri/grouped/consult/k2/r1"]["auroc"] += 0.01
    with pytest.raises(MedadError, match=r"consult K = 2: metrics give 0\.775"):
        build(made.layout, made.metrics, made.intervals)
