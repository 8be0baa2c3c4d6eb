from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from project import Project

pytestmark = pytest.mark.engine
TABLE = "results/tables/table1.csv"
CELL = (TABLE, "--row", "CONSULT", "--column", "K4")


def test_the_text_names_every_step_and_the_number(
    finished: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    text = finished.medad("reproduce", *CELL, "--from", "scores").stdout.splitlines()
    name = "phantom/grouped/CONSULT/K4"
    assert text[0] == "metrics phantom grouped consult 4 0: same bytes"
    assert text[1] == f"{name}: 1 steps recomputed from scores, all bytes the same"
    assert text[2].startswith(f"{name}: the mean of the recomputed metrics is 0.70")
    assert text[2].endswith(", which is the cell's")
    assert list(tmp_path.iterdir()) == []  # nothing is left


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["params.yaml"], "not an artifact of medad"),
        (["results/tables/table9.csv"], "no manifest"),
        ([*CELL[:3]], "go together"),
        ([TABLE, "--row", "MOON", "--column", "K4"], "is not a cell; cells: "),
        (
            ["results/splits/phantom/grouped.parquet", "--row", "CONSULT", "--column", "K4"],
            "not a table; reproduce it without --row and --column",
        ),
        (
            ["results/splits/phantom/grouped.parquet", "--from", "scores"],
            "--from scores recomputes metrics, intervals, table, figure only",
        ),
        ([*CELL, "--keep", "src"], "--keep src: is there already; name a new or an empty folder"),
    ],
)
def test_a_bad_question_is_one_line_and_status_2(
    finished: Project, arguments: list[str], message: str
) -> None:
    done = finished.medad("reproduce", *arguments, check=False)
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_step_that_fails_says_why(copy: Callable[[], Project]) -> None:
    project = copy()
    (project.root / "results/index/phantom/images.zip").unlink()
    done = project.medad("reproduce", *CELL, "--from", "scores", check=False)
    assert done.returncode == 2
    assert "consult/k4/r0.manifest.json: could not be recomputed: " in done.stderr
    assert "images.zip" in done.stderr
