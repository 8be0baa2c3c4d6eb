from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from medad.cli.common import fail_on_error, overrides, project
from medad.errors import MedadError


def test_an_error_is_one_line_and_status_2(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended, fail_on_error():
        raise MedadError("what, got, allowed")
    assert ended.value.code == 2
    assert capsys.readouterr().err == "medad: what, got, allowed\n"


def test_what_the_system_refuses_is_one_line_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended, fail_on_error():
        (tmp_path / "none/file").write_text("")
    assert ended.value.code == 2
    assert capsys.readouterr().err == f"medad: {tmp_path}/none/file: No such file or directory\n"
    with pytest.raises(SystemExit) as ended, fail_on_error():
        raise OSError("no reason given")
    assert ended.value.code == 2
    assert capsys.readouterr().err == "medad: no reason given\n"


def test_a_reader_that_goes_away_ends_it_without_a_word(tmp_path: Path) -> None:
    code = (
        "from medad.cli.common import fail_on_error\n"
        "with fail_on_error():\n"
        "    for number in range(100_000): print(number)\n"
    )
    pipe = f"{sys.executable} -c '{code}' | head -1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", pipe], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (2, "0\n", "")


def test_the_project_is_found_from_below(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(MedadError, match="run inside a project"):
        project()
    for name in ("Snakefile", "params.yaml"):
        (tmp_path / name).touch()
    (tmp_path / "a/b").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "a/b")
    assert project() == tmp_path


def test_overrides_are_yaml_as_snakemakes() -> None:
    assert overrides(["preset=quick", "runs={shots: [2]}"]) == {
        "preset": "quick",
        "runs": {"shots": [2]},
    }
    with pytest.raises(MedadError, match="write KEY=VALUE"):
        overrides(["preset"])
    for bad in ("seed=[", "seed=2020-99-99"):
        with pytest.raises(MedadError, match="is no YAML value"):
            overrides([bad])
