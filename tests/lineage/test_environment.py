from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from medad.lineage import environment


def test_versions_are_those_installed() -> None:
    found = environment.libraries()
    assert set(found) == {"python", *environment.LIBRARIES}
    assert "absent" not in found.values()


def test_the_machine_is_described() -> None:
    found = environment.machine()
    assert found["cpu"]
    assert (found["gpu"] == "none") == (not environment.has_gpu())


def test_the_commit_and_a_digest_of_what_is_not_committed(tmp_path: Path) -> None:
    def git(*arguments: str) -> None:
        identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
        subprocess.run(["git", *identity, *arguments], cwd=tmp_path, check=True)

    def look() -> dict[str, str | None]:
        environment.repository.cache_clear()
        return environment.repository(tmp_path)

    (tmp_path / "params.yaml").write_text("a: 1\n")
    git("init", "-q")
    git("add", "-A")
    git("commit", "-qm", "x")
    clean = look()
    assert clean["commit"]
    assert clean["diff"] is None
    (tmp_path / "notes.txt").write_text("not watched")
    assert look() == clean
    (tmp_path / "params.yaml").write_text("a: 2\n")
    assert look()["diff"]


def test_outside_git_nothing_is_claimed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    environment.repository.cache_clear()
    assert environment.repository(tmp_path) == {"commit": None, "diff": None}


def test_the_engine_is_the_one_that_started_us(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DVC_STAGE", raising=False)
    assert environment.engine()["engine"] == "snakemake"
    monkeypatch.setenv("DVC_STAGE", "heads")
    assert environment.engine()["engine"] == "dvc"
