from __future__ import annotations

import json

import pytest
from project import Project

from medad.lineage import leaks

pytestmark = pytest.mark.engine
CELL = ("results/tables/table1.csv", "--row", "CONSULT", "--column", "K4")


def test_text_and_json_say_what_the_report_says(finished: Project) -> None:
    (report,) = json.loads(finished.medad("leakage", "--json").stdout)
    assert report == json.loads(json.dumps(leaks.report(finished.root, "phantom", "grouped")))
    text = finished.medad("leakage", "phantom/grouped").stdout
    for group in report["groups"]:
        for image in group["images"]:
            assert f"    {image['path']}  healthy, " in text
    for method in report["methods"]:
        assert f"{method['auroc']:.4f}" in text
        assert f"{method['by_copies']:+.4f}" in text
    assert "draw K=4 r0: 0 of the test images are copies of its shots" in text


def test_a_cell_is_named_with_its_value(finished: Project) -> None:
    text = finished.medad("leakage", *CELL).stdout
    (report,) = json.loads(finished.medad("leakage", *CELL, "--json").stdout)
    assert f"of the cell phantom/grouped/CONSULT/K4 = {report['number']}\n" in text
    assert "padim" not in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["phantom/moon"], "no such split here; there are: phantom/grouped"),
        (["../../etc/passwd"], "give DATASET/SPLIT, or a table"),
        ([CELL[0]], "give DATASET/SPLIT, or a table"),
        (CELL[:3], "--row and --column go together"),
        (["--row", "CONSULT", "--column", "K4"], "--row and --column go together, after a table"),
        (["phantom/grouped", "--split", "paper"], "a split is DATASET/SPLIT"),
    ],
)
def test_a_bad_question_is_one_line_and_status_2(
    finished: Project, arguments: list[str], message: str
) -> None:
    done = finished.medad("leakage", *arguments, check=False)
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
