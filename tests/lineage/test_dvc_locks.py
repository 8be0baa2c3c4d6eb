from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from medad.errors import MedadError
from medad.lineage import dvc_locks

OBJECTS = {name: f"{number:032x}" for number, name in enumerate("abcdefghij", start=1)}


def git(root: Path, *arguments: str) -> None:
    who = ("-c", "user.name=t", "-c", "user.email=t@example.org")
    subprocess.run(["git", *who, *arguments], cwd=root, check=True, capture_output=True)


def lock(*names: str) -> str:
    outs = [{"path": f"results/{name}", "hash": "md5", "md5": OBJECTS[name]} for name in names]
    deps = [{"path": "src", "md5": "not an md5"}]
    return json.dumps({"schema": "2.0", "stages": {"data": {"deps": deps, "outs": outs}}})


def commit(root: Path, path: str, *names: str) -> None:
    (root / path).parent.mkdir(exist_ok=True)
    (root / path).write_text(lock(*names))
    git(root, "add", "-A")
    git(root, "commit", "-q", "--allow-empty", "-m", "state")


def letters(found: set[str]) -> str:
    names = {value: name for name, value in OBJECTS.items()}
    return "".join(sorted(names[value] for value in found))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """a: past; b: a branch; c: a tag; d: committed; e: this folder only; f, g: .dvc files."""
    git(tmp_path, "init", "-q", "-b", "main")
    commit(tmp_path, "dvc.lock", "a")
    git(tmp_path, "branch", "other")
    commit(tmp_path, "dvc.lock", "c")
    git(tmp_path, "tag", "-a", "v1", "-m", "one")
    git(tmp_path, "switch", "-q", "other")
    commit(tmp_path, "dvc.lock", "b")
    git(tmp_path, "switch", "-q", "main")
    commit(tmp_path, "dvc.lock", "d")
    commit(tmp_path, "data dir/é raw.dvc", "f")
    (tmp_path / "dvc.lock").write_text(lock("d", "e"))
    (tmp_path / "new.dvc").write_text(lock("g"))
    (tmp_path / ".dvc").mkdir()
    (tmp_path / ".dvc" / "hidden.dvc").write_text(lock("j"))
    return tmp_path


def test_what_is_here_and_at_branches_and_tags_is_named_and_what_is_past_is_past(
    root: Path,
) -> None:
    assert letters(dvc_locks.named_now(root)) == "bcdefg"
    assert letters(dvc_locks.named_ever(root)) == "abcdf"


def test_a_project_inside_a_repository_is_its_own(root: Path) -> None:
    commit(root, "inner/dvc.lock", "h")
    (root / "inner/dvc.lock").unlink()
    assert letters(dvc_locks.named_now(root / "inner")) == "h"


def test_without_git_what_is_here_counts(tmp_path: Path) -> None:
    (tmp_path / "dvc.lock").write_text(lock("a"))
    assert letters(dvc_locks.named_now(tmp_path)) == "a"
    assert dvc_locks.named_ever(tmp_path) == set()


def test_before_the_first_commit_nothing_is_past(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    (tmp_path / "dvc.lock").write_text(lock("a"))
    assert letters(dvc_locks.named_now(tmp_path)) == "a"
    assert dvc_locks.named_ever(tmp_path) == set()


def test_what_cannot_be_read_is_refused_and_never_taken_for_nothing(root: Path) -> None:
    (root / "new.dvc").write_bytes(b"outs: [")
    with pytest.raises(MedadError, match=r"^new.dvc: not valid YAML"):
        dvc_locks.named_now(root)
    (root / "new.dvc").unlink()
    (root / ".git/HEAD").write_text("damaged")
    with pytest.raises(MedadError, match="git cannot read its repository"):
        dvc_locks.named_now(root)


def test_a_folder_brings_its_files_as_far_as_it_is_here(tmp_path: Path) -> None:
    here, away = f"{OBJECTS['a']}.dir", f"{OBJECTS['b']}.dir"
    path = tmp_path / here[:2] / here[2:]
    path.parent.mkdir()
    path.write_text(json.dumps([{"md5": OBJECTS["c"], "relpath": "x"}]))
    found = dvc_locks.with_members(tmp_path, {here, away})
    assert found == {here, away, OBJECTS["c"]}
    path.write_text("[")
    with pytest.raises(MedadError, match="not valid JSON"):
        dvc_locks.with_members(tmp_path, {here})
