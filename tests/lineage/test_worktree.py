"""Sources are found by the hashes of their modules, at the recorded commit or as they are now."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

import pytest

from medad.errors import MedadError
from medad.lineage.store import Store
from medad.lineage.worktree import Worktree

NOWHERE = "0" * 40


def git(root: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.org")
    done = subprocess.run(
        ["git", *identity, *arguments], cwd=root, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def code(**modules: str) -> dict[str, str]:
    return {f"{n}.py": hashlib.sha256(text.encode()).hexdigest() for n, text in modules.items()}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository whose one commit has a = "old", and where a = "new" now."""
    root = tmp_path / "project"
    (root / "src" / "medad").mkdir(parents=True)
    (root / "params.yaml").write_text("preset: quick\n")
    (root / "private.txt").write_text("not asked for")
    (root / "src" / "medad" / "a.py").write_text("old")
    (root / "src" / "medad" / "b.py").write_text("same")
    git(root, "init", "-q")
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "state")
    (root / "src" / "medad" / "a.py").write_text("new")
    return root


@pytest.fixture
def worktree(root: Path, tmp_path: Path) -> Worktree:
    return Worktree(root, tmp_path / "base")


def test_the_recorded_commit_comes_first(root: Path, worktree: Worktree) -> None:
    commit = git(root, "rev-parse", "HEAD")
    status = git(root, "status", "--porcelain")
    found = worktree.sources(code(a="old", b="same"), [NOWHERE, commit])
    assert found.name == commit
    assert (found.folder / "src/medad/a.py").read_text() == "old"
    assert (found.folder / "params.yaml").is_file()
    assert not (found.folder / "private.txt").exists()
    assert git(root, "status", "--porcelain") == status


def test_the_commit_serves_when_what_was_changed_is_not_read(
    root: Path, worktree: Worktree
) -> None:
    commit = git(root, "rev-parse", "HEAD")
    assert worktree.sources(code(b="same"), [commit]).name == commit


@pytest.mark.parametrize("commits", [[], [NOWHERE], ["--output=/x"]])
def test_present_sources_serve_when_their_modules_are_the_same(
    worktree: Worktree, commits: list[str]
) -> None:
    found = worktree.sources(code(a="new", b="same"), commits)
    assert found.name == "present"
    assert (found.folder / "src/medad/a.py").read_text() == "new"


def test_without_the_recorded_modules_the_error_names_those_that_differ(
    root: Path, worktree: Worktree
) -> None:
    commit = git(root, "rev-parse", "HEAD")
    with pytest.raises(MedadError) as caught:
        worktree.sources(code(a="other", b="same", c="gone"), [NOWHERE, commit])
    said = str(caught.value)
    assert f"commit {NOWHERE[:12]} is not in this repository" in said
    assert f"commit {commit[:12]} has other versions of a.py, c.py; the present" in said
    assert "src/medad has other versions of a.py, c.py; " in said
    assert "b.py" not in said
    assert "\n" not in said


def test_a_module_outside_the_package_is_never_the_recorded_one(
    root: Path, worktree: Worktree
) -> None:
    outside = {"../../params.yaml": hashlib.sha256(b"preset: quick\n").hexdigest()}
    with pytest.raises(MedadError, match=r"other versions of \.\./\.\./params\.yaml"):
        worktree.sources(outside, [])


def test_the_store_is_empty_whatever_the_user_has_configured(
    worktree: Worktree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = tmp_path / "shared"
    (tmp_path / "dvc").mkdir()
    (tmp_path / "dvc" / "config").write_text(f"[cache]\n    dir = {shared}\n")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert Store(worktree.root).objects.is_relative_to(shared)  # the setting counts elsewhere
    worktree.begin()
    assert Store(worktree.project).objects.is_relative_to(worktree.project.resolve())
    assert not Store(worktree.project).objects.exists()
