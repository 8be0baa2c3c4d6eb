from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from small_project import Small, run

from medad import layout
from medad.errors import MedadError
from medad.files import write_bytes
from medad.lineage.verify import verify

HEAD = layout.output("head", run("a"), "head")


def md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def commit(root: Path, folder: str, changes: Mapping[str, str] | None = None) -> Path:
    """What `dvc commit` of a stage leaves; ``changes`` are md5s of files (by relative path)."""
    files = (path for path in sorted((root / folder).rglob("*")) if path.is_file())
    found = {path.relative_to(root / folder).as_posix(): md5(path.read_bytes()) for path in files}
    found |= changes or {}
    entries = [{"md5": value, "relpath": name} for name, value in sorted(found.items())]
    listing = json.dumps(entries).encode()
    blob = root / ".dvc/cache/files/md5" / md5(listing)[:2] / f"{md5(listing)[2:]}.dir"
    write_bytes(blob, listing)
    lock(root, [{"path": folder, "hash": "md5", "md5": f"{md5(listing)}.dir"}])
    return blob


def lock(root: Path, outs: list[dict[str, Any]]) -> None:
    value = {"schema": "2.0", "stages": {"heads": {"cmd": "x", "outs": outs}}}
    (root / "dvc.lock").write_text(yaml.safe_dump(value))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return Small(tmp_path).root


def test_what_was_committed_and_is_here_is_no_news(root: Path) -> None:
    commit(root, "results")
    assert verify(root) == ([], [])
    content = (root / HEAD).read_bytes()
    lock(root, [{"path": HEAD, "hash": "md5", "md5": md5(content)}])
    assert verify(root) == ([], [])


def test_a_file_changed_after_its_commit_is_said_by_dvc_too(root: Path) -> None:
    commit(root, "results/heads")
    before = md5((root / HEAD).read_bytes())
    (root / HEAD).write_bytes(b"other")
    findings, notes = verify(root)
    assert [one.path for one in findings] == [HEAD, HEAD]
    said = f"dvc.lock says md5 {before} (stage heads), and it is {md5(b'other')}"
    assert findings[1].problem == said
    assert findings[1].resting.cells == ("results/tables/t.csv d/s/A/K2",)
    assert notes == []
    (root / HEAD).unlink()
    assert verify(root)[0][1].problem.endswith("and it is missing")
    (root / HEAD).write_bytes(b"a")
    record = next((root / "results/records").glob("*/*/*.json"))
    commit(root, "results/records")
    record.write_bytes(b"{}")
    assert "dvc.lock says" in verify(root)[0][-1].problem


def test_a_commit_older_than_consistent_results_is_a_note(root: Path) -> None:
    place = Path(HEAD).relative_to("results/heads").as_posix()
    commit(root, "results/heads", {place: md5(b"older"), "gone.csv": md5(b"gone")})
    findings, notes = verify(root)
    assert findings == []
    assert "committed with other versions of 1 files; `medad dvc commit heads`" in notes[0]
    assert notes[1] == "dvc.lock: stage heads has 1 files that are no results here"


def test_a_file_damaged_alike_in_both_is_no_finding_of_dvc_s(root: Path) -> None:
    (root / HEAD).write_bytes(b"other")
    commit(root, "results/heads")
    assert [one.problem for one in verify(root)[0]] == ["changed since it was made"]


def test_only_the_files_of_a_target_are_compared(root: Path) -> None:
    commit(root, "results/heads")
    (root / HEAD).write_bytes(b"other")
    assert verify(root, layout.output("metrics", run("b"), "metrics")) == ([], [])


def test_a_listing_that_is_not_in_the_cache_is_a_note(root: Path) -> None:
    blob = commit(root, "results/heads")
    content = blob.read_bytes()
    blob.write_bytes(content + b" ")
    assert verify(root)[1] == [
        "dvc.lock: results/heads (stage heads) is changed in DVC's cache; not compared"
    ]
    blob.unlink()
    assert verify(root)[1][0].endswith("is not in DVC's cache; not compared")


def test_paths_outside_results_are_left_alone(root: Path) -> None:
    (root / "secret").write_bytes(b"secret")
    commit(root, "results/heads", {"../../secret": md5(b"other")})
    assert verify(root) == ([], [])
    outs = [{"path": path, "hash": "md5", "md5": "0"} for path in ("/etc/hosts", "../x", "secret")]
    lock(root, [*outs, {"path": HEAD, "md5": "0"}])
    assert verify(root) == ([], [])


@pytest.mark.parametrize("text", ["{", "[]", "stages: 3", "stages: {a: 3}", "a: 1"])
def test_what_is_no_lock_is_an_error(root: Path, text: str) -> None:
    (root / "dvc.lock").write_text(text)
    with pytest.raises(MedadError, match="no lock of DVC's"):
        verify(root)
