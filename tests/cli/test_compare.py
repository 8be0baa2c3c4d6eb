from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from forge import Forged, small_root

from medad.cli.compare import printable
from medad.cli.main import main
from medad.files import write_bytes

TABLE = "results/tables/table1.csv"
SCORES = "results/scores/phantom/grouped/consult/k2/r0.parquet"


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two projects: the second trained with another weight."""
    made = []
    change = {"stage1": {"consult": {"koleo_weight": 0.5}}}
    for name, values in (("one", {}), ("two", change)):
        root = small_root(tmp_path_factory.mktemp(name))
        (root / "Snakefile").touch()
        for path, content in Forged(root, config=values).files.items():
            write_bytes(root / path, content)
        made.append(root)
    return made[0], made[1]


@pytest.fixture
def here(folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> str:
    """We are in the second; the other's path."""
    monkeypatch.chdir(folders[1])
    return str(folders[0])


def test_equal_results_are_status_0(here: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", TABLE, TABLE]) == 0
    assert capsys.readouterr().out.splitlines() == [f"A: {TABLE}", f"B: {TABLE}", "the same bytes"]


def test_different_results_are_status_1_and_explained(
    here: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compare", f"{here}:{TABLE}", TABLE]) == 1
    said = capsys.readouterr().out
    assert "  parameter stage1.koleo_weight: 0.01 -> 0.5 (2 steps)\n" in said
    assert "values that differ: 2\n  phantom/grouped/CONSULT/K2: " in said
    assert main(["compare", here, TABLE, "--row", "CONSULT", "--column", "K4"]) == 1
    said = capsys.readouterr().out
    # Of both K: the cell's simultaneous interval is of them together.
    assert "parameter stage1.koleo_weight: 0.01 -> 0.5 (2 steps)" in said
    assert "draw metrics/phantom/grouped/consult/k4/r0:\n  auroc: " in said
    assert main(["compare", f"{here}:{SCORES}", SCORES]) == 1
    assert "ranking: Spearman " in capsys.readouterr().out


def test_json_has_the_steps_of_a_cause(here: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", f"{here}:{TABLE}:CONSULT/K2", TABLE, "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    (cause,) = found["causes"]
    steps = [f"results/stage1/phantom/grouped/consult/k{k}/r0.manifest.json" for k in (2, 4)]
    assert cause["steps"] == steps
    assert (cause["old"], cause["new"], cause["certain"]) == (0.01, 0.5, True)
    assert found["consequences"]["draws"][0]["ranks"]["common"] == 20


def test_errors_are_one_line_and_status_2(here: str, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["moon", TABLE], [TABLE, TABLE, "--row", "CONSULT"], [TABLE, "params.yaml"]):
        with pytest.raises(SystemExit) as ended:
            main(["compare", *arguments])
        assert ended.value.code == 2
        assert capsys.readouterr().err.count("\n") == 1


def test_a_folder_moved_elsewhere_is_the_same(
    folders: tuple[Path, Path], tmp_path: Path, here: str, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(folders[1], tmp_path / "copy")
    assert main(["compare", str(tmp_path / "copy"), TABLE]) == 0


def test_a_terminal_gets_no_commands_from_a_file_name() -> None:
    assert printable("a\x1b[2Jb\nc\u202e é") == "a\\x1b[2Jb\\nc\\u202e é"
