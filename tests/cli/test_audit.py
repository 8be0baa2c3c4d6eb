from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from project import Project

from medad.cli.main import main

pytestmark = pytest.mark.engine
TABLE = "results/tables/table1.csv"
CELL = (TABLE, "--row", "CONSULT", "--column", "K4")


@pytest.fixture
def inside(finished: Project, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(finished.root)
    return finished.root


def test_a_run_is_told_without_a_table(inside: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = "phantom/grouped/padim/k2/r0"
    values = json.loads((inside / f"results/metrics/{run}.json").read_text())
    assert main(["audit", "--run", run]) == 0
    text = capsys.readouterr().out
    assert text.startswith(f"{run} = {values['auroc']:.4f}\n")
    assert f"pixel_auroc: {values['pixel_auroc']}" in text
    assert "padim is reading" not in text  # a table says that
    assert main(["audit", TABLE, "--run", run]) == 0
    assert "padim is reading" in capsys.readouterr().out


def test_the_digraph_has_a_box_a_step(inside: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", *CELL, "--dot"]) == 0
    text = capsys.readouterr().out
    assert main(["audit", *CELL, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert text.startswith('digraph "phantom/grouped/CONSULT/K4" {\n')
    assert len(re.findall(r"^  n\d+ \[label=", text, flags=re.M)) == found["steps"]
    (run,) = found["runs"]
    for outputs in run["artifacts"].values():
        for path, digest in outputs.items():
            if path in text:
                assert f"{path}\\n{digest[:12]}" in text
    assert "results/stage1/phantom/grouped/consult/k4/r0.safetensors" in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "no target"),
        (["--row", "a", "--column", "b"], "no target"),
        (["--run", "x"], "write DATASET/SPLIT/METHOD/kK/rR"),
        ([TABLE, "--run", "phantom/grouped/padim/k2/r0", "--row", "a"], "leave --row"),
        ([TABLE, "--split", "grouped"], "add --row and --column"),
        ([TABLE, "--column", "K4"], "go together"),
    ],
)
def test_options_that_do_not_go_together_are_one_line(
    inside: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["audit", *arguments])
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_json_and_dot_exclude_each_other(inside: Path) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["audit", *CELL, "--json", "--dot"])
