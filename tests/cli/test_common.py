from __future__ import annotations

from pathlib import Path

import pytest

from medad.cli.common import fail_on_error, overrides, project
from medad.errors import MedadError


def test_an_error_is_one_line_and_status_2(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended, fail_on_error():
        raise MedadError("what, got, allowed")
    assert ended.value.code == 2
    assert capsys.readouterr().err == "medad: what, got, allowed\n"


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
