from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from project import Project

from medad.errors import MedadError
from medad.lineage.revision import Revision

TABLE = "results/tables/table1.csv"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository whose first commit has no dvc.lock, and whose second has one table."""
    git(tmp_path, "init", "-q")
    git(tmp_path, "commit", "-q", "--allow-empty", "-m", "none")
    listing = [{"md5": put(tmp_path, b"old"), "relpath": "table1.csv"}]
    listing.append({"md5": "0" * 32, "relpath": "../../../secret"})
    out = {"path": "results/tables", "md5": put(tmp_path, json.dumps(listing).encode(), ".dir")}
    lock = {"stages": {"tables": {"outs": [out, {"path": "src", "md5": "1" * 32}]}}}
    (tmp_path / "dvc.lock").write_text(yaml.safe_dump(lock))
    git(tmp_path, "add", "dvc.lock")
    git(tmp_path, "commit", "-q", "-m", "one")
    return tmp_path


def git(root: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.org")
    subprocess.run(["git", *identity, *arguments], cwd=root, check=True)


def put(root: Path, content: bytes, suffix: str = "") -> str:
    md5 = hashlib.md5(content, usedforsecurity=False).hexdigest() + suffix
    file = root / ".dvc/cache/files/md5" / md5[:2] / md5[2:]
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    return md5


def test_what_dvc_had_is_read_from_its_cache(root: Path) -> None:
    place = Revision(root, "HEAD")
    assert place.has(TABLE)
    assert place.read(TABLE) == b"old"
    assert place.under("results") == [TABLE]  # neither src nor what leaves results/
    assert not (root / "results").exists()
    with pytest.raises(MedadError, match="not among the results that DVC had at HEAD"):
        place.read("results/tables/table2.csv")


def test_what_is_missing_says_what_to_run(root: Path) -> None:
    with pytest.raises(MedadError, match="neither a file, a folder nor a revision"):
        Revision(root, "--help")
    with pytest.raises(MedadError, match="medad dvc commit"):
        Revision(root, "HEAD~1").has(TABLE)
    blob = next(file for file in (root / ".dvc/cache").rglob("*") if file.name.endswith("dir"))
    content = blob.read_bytes()
    blob.write_bytes(content + b" ")
    with pytest.raises(MedadError, match="damaged in DVC's cache"):
        Revision(root, "HEAD").has(TABLE)
    blob.unlink()
    with pytest.raises(MedadError, match="run `dvc fetch --all-commits`"):
        Revision(root, "HEAD").has(TABLE)


@pytest.mark.engine
def test_a_result_of_an_earlier_commit_is_explained(copy: Callable[[], Project]) -> None:
    """The real engines: a table as it was committed, and as another number of resamples has it."""
    project = copy().without_tracking()
    project.medad("dvc", "commit")
    project.commit()
    project.medad("publish", TABLE, "published")
    for old in (f"HEAD:{TABLE}", "published"):
        assert "the same bytes" in project.medad("compare", old, TABLE).stdout
    project.change({"evaluation": {"resamples": 100}})
    project.snakemake(TABLE)
    for old in (f"HEAD:{TABLE}", "published"):
        done = project.medad("compare", old, TABLE, "--json", check=False)
        assert done.returncode == 1, done.stderr
        (cause,) = json.loads(done.stdout)["causes"]
        assert cause["text"] == "parameter intervals.resamples: 200 -> 100 (1 step)"
    done = project.medad("compare", f"HEAD:{TABLE}:CONSULT/K4", TABLE, check=False)
    assert done.returncode == 1
    assert "parameter intervals.resamples: 200 -> 100" in done.stdout
    assert project.git("status", "--porcelain", "results") == ""
