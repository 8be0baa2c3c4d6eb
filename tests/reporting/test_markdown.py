"""What a reader sees, and that it says what the numbers say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from medad.reporting.cells import build
from medad.reporting.markdown import render
from medad.reporting.published import Row

Text = Callable[..., str]


@pytest.fixture
def text(report: Callable[..., Any]) -> Text:
    """The rendered table; further options change CONSULT's difference over all K."""

    def rendered(
        copies: float = 0.0,
        resamples: int = 2000,
        primary: str | None = "consult",
        **difference: float,
    ) -> str:
        made = report(copies=copies)
        made = replace(made, layout=replace(made.layout, primary=primary))
        found = made.intervals["intervals/brain_mri/grouped"]
        found["resamples"] = resamples
        found["differences"]["consult"]["all"] |= difference
        cells = build(made.layout, made.metrics, made.intervals)
        return render("A title", ["A note."], made.layout, cells, made.metrics, made.intervals, {})

    return rendered


def test_cells_and_the_paper_below_them(text: Text) -> None:
    lines = text().splitlines()
    assert lines[0] == "# A title"
    ours = lines.index("| image AUROC | K2 | K4 | mean over K |") + 2
    assert lines[ours].startswith(
        "| **PatchCore**, reading | 0.730 ± 0.014 [0.690, 0.770] | 0.750 ± 0.014 [0.710, 0.790] | "
    )
    assert lines[ours + 1] == "| paper | 0.7201: reproduced (+0.010) | 0.9000: below (−0.150) |  |"
    assert "| paper | not comparable[^1] | not comparable[^1] |  |" in lines
    assert "[^1]: The row's label is inferred." in lines
    assert "- A note." in lines


def test_sizes_are_ranges_over_runs(text: Text) -> None:
    assert (
        "Test: 70 to 71 healthy and 155 anomalous images (127 with a lesion mask) in 60 and 134 "
        "leakage groups. Draws: 2 (a headline table has 10 or more). Bootstrap resamples: 2000."
    ) in text()
    assert "Bootstrap resamples: 100 (a headline table has 2000 or more)." in text(resamples=100)


@pytest.mark.parametrize(
    ("value", "low", "high", "finding"),
    [
        (0.04, 0.01, 0.07, "[+0.010, +0.070]: CONSULT is better than PatchCore."),
        (-0.04, -0.07, -0.01, "[−0.070, −0.010]: CONSULT is worse than PatchCore."),
        (
            0.04,
            -0.01,
            0.09,
            "[−0.010, +0.090]: the interval contains 0, so no difference is shown.",
        ),
        (0.0, 0.0, 0.0, "[+0.000, +0.000]: the two are the same on every image."),
    ],
)
def test_the_sentence_follows_the_interval(
    text: Text, value: float, low: float, high: float, finding: str
) -> None:
    page = text(value=value, low=low, high=high)
    stated = f"{value:+.3f}".replace("-", "−")
    assert (
        f"- CONSULT − PatchCore, mean over K (the primary claim): {stated}, 95 % interval" in page
    )
    assert finding in page


def test_secondary_claims_use_simultaneous_intervals(text: Text) -> None:
    page = text()
    assert (
        "| **CONSULT** | +0.040 [−0.020, +0.100] | +0.040 [−0.020, +0.100] "
        "| +0.040 [+0.010, +0.070] |" in page
    )
    assert "With simultaneous intervals: better at no K, worse at no K." in page


def test_inferred_and_unanswered_rows_are_listed_apart(text: Text) -> None:
    page = text()
    assert "- r1 (label inferred, perhaps f-AnoGAN): K2 0.7291, K4 0.8119" in page
    assert "- r4 (label inferred, perhaps PaDiM): K2 0.7171, K4 0.7554" in page
    assert "- r5 " not in page


def test_copies_are_a_footnote(text: Text) -> None:
    assert "(AUROC 0.7200 [0.6800, 0.7600] without them)." in text(copies=0.01)
    assert "copies" not in text()


def test_rows_that_are_not_the_claim_are_exploratory(text: Text) -> None:
    page = text()
    assert page.count("(the primary claim)") == 1
    assert "- mine − PatchCore, mean over K (exploratory): " in page
    assert "(the primary claim)" not in text(primary=None)


def test_a_leaky_row_makes_no_claim_in_its_sentence(report: Callable[..., Any]) -> None:
    made = report()
    standings = {**made.layout.standings, "consult": ("leaky", "by design")}
    layout = replace(made.layout, standings=standings, primary="consult")
    cells = build(layout, made.metrics, made.intervals)
    page = render("A title", [], layout, cells, made.metrics, made.intervals, {})
    assert "- CONSULT − PatchCore, mean over K (trained on the test images, so no claim)" in page


def test_other_splits_make_no_primary_claim(report: Callable[..., Any]) -> None:
    made = report(splits=("paper",))
    cells = build(made.layout, made.metrics, made.intervals)
    page = render("A title", [], made.layout, cells, made.metrics, made.intervals, {})
    assert "(the primary claim)" not in page
    assert "- CONSULT − PatchCore, mean over K (for comparison with the paper only)" in page


def test_a_row_says_where_it_stands_and_why(text: Text) -> None:
    lines = text().splitlines()
    row = next(one for one in lines if one.startswith("| **CONSULT**, literal"))
    mark = row.removeprefix("| **CONSULT**, literal").partition(" |")[0]
    assert f"{mark}: All of it is stated." in lines
    assert any(one.startswith("| **mine**, ours |") for one in lines)
    assert any(one.startswith("- leaky: trained on test images") for one in lines)


def test_a_row_without_published_values_has_no_line_of_the_paper(text: Text) -> None:
    lines = text().splitlines()
    ours = next(i for i, one in enumerate(lines) if one.startswith("| **mine**"))
    assert not lines[ours + 1].startswith("| paper")


def test_what_stage_1_reached_is_beside_what_the_paper_says(report: Callable[..., Any]) -> None:
    made = report()
    rows = tuple(
        replace(row, fact="accuracy", published_fact=1.0) if row.method == "consult" else row
        for row in made.layout.rows
    )
    layout = replace(made.layout, rows=rows)
    cells = build(layout, made.metrics, made.intervals)
    facts = {f"brain_mri/grouped/consult/k{k}": 0.5 + k / 100 for k in (2, 4)}
    page = render("A title", [], layout, cells, made.metrics, made.intervals, facts)
    assert "| **CONSULT**: accuracy | 0.520 | 0.540 | 1.000 |" in page


def test_a_method_that_cannot_run_says_why(report: Callable[..., Any]) -> None:
    made = report()
    layout = replace(
        made.layout,
        rows=(*made.layout.rows, Row("r7", "R50", "r50", True, {"": {2: (0.8,)}})),
        obstacles={"r50": "no weights of resnet50"},
    )
    cells = build(layout, made.metrics, made.intervals)
    page = render("A title", [], layout, cells, made.metrics, made.intervals, {})
    assert "- r7 (R50): K2 0.8000: no weights of resnet50" in page


def test_one_shot_count_has_no_mean_over_shot_counts(report: Callable[..., Any]) -> None:
    made = report()
    layout = replace(made.layout, shots=(4,))
    found = made.intervals["intervals/brain_mri/grouped"]
    for levels in found["levels"].values():
        levels["all"] = levels["4"]
    cells = build(layout, made.metrics, made.intervals)
    text = render("T", [], layout, cells, made.metrics, made.intervals, {})
    assert "mean over K" not in text.partition("## How to read")[0]
    assert (
        "CONSULT − PatchCore, K = 4 (exploratory): +0.040, 95 % interval [+0.010, +0.070]" in text
    )
    assert "simultaneous intervals" not in text
    assert "| **CONSULT** | +0.040 [+0.010, +0.070] |" in text


@pytest.mark.parametrize(("n", "shown"), [(2, "0.009"), (1, "one draw")])
def test_one_draw_has_no_error_over_draws(report: Callable[..., Any], n: int, shown: str) -> None:
    made = report()
    cells = [replace(cell, n=n) for cell in build(made.layout, made.metrics, made.intervals)]
    text = render("T", [], made.layout, cells, made.metrics, made.intervals, {})
    assert f"; 0.017, {shown} |" in text
