from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from project import Project

from medad.errors import MedadError
from medad.lineage import session
from medad.lineage.current import CHANGED


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    made = Project(tmp_path)
    monkeypatch.setattr(session, "_require_own_source", lambda root: None)
    yield made
    session.release()


def key(project: Project) -> Path:
    return project.root / ".prov/keys/head/phantom.padim.json"


def test_a_run_writes_key_files_and_only_what_changed(project: Project) -> None:
    session.begin(project.root, {}, ["all"], main=True)
    assert json.loads(key(project).read_text())["params"]["dimensions"] == 40
    before = {p: p.stat().st_mtime_ns for p in (project.root / ".prov/keys").rglob("*.json")}
    project.change({"detectors": {"padim": {"dimensions": 41}}})
    session.begin(project.root, {}, ["all"], main=True)
    changed = {p.parent.name for p, at in before.items() if p.stat().st_mtime_ns != at}
    assert changed == {"head", "score"}


@pytest.mark.parametrize("flag", ["", "--lint", "--summary", "-S", "--report", "--list-rules"])
def test_a_reading_command_creates_but_never_changes(project: Project, flag: str) -> None:
    session.begin(project.root, {}, [flag], main=True, dry=not flag)
    before = key(project).read_bytes()
    project.change({"detectors": {"padim": {"dimensions": 41}}})
    session.begin(project.root, {}, [flag], main=True, dry=not flag)
    assert key(project).read_bytes() == before


@pytest.mark.parametrize("flag", ["-Rindex", "-sSnakefile", "-n"])
def test_only_snakemake_says_what_a_dry_run_is(project: Project, flag: str) -> None:
    session.begin(project.root, {}, [flag], main=True)
    project.change({"detectors": {"padim": {"dimensions": 41}}})
    session.begin(project.root, {}, [flag], main=True)
    assert json.loads(key(project).read_text())["params"]["dimensions"] == 41


def test_a_reparse_inside_a_job_writes_nothing(project: Project) -> None:
    session.begin(project.root, {}, ["all"], main=False)
    assert not (project.root / ".prov").exists()


def test_locks_and_leftovers_of_a_killed_run_are_cleared(project: Project) -> None:
    for name in (".snakemake/locks/0.input.lock", ".prov/tmp/key.1/head"):
        (project.root / name).parent.mkdir(parents=True)
        (project.root / name).touch()
    session.begin(project.root, {}, [], main=True, dry=True)
    assert (project.root / ".snakemake/locks/0.input.lock").exists()
    session.begin(project.root, {}, ["all"], main=True)
    # Emptied and kept: another process may be listing them.
    assert list((project.root / ".snakemake/locks").iterdir()) == []
    assert list((project.root / ".prov/tmp").iterdir()) == []


def test_nothing_is_newer_than_a_run(project: Project) -> None:
    session.begin(project.root, {}, ["all"], main=True)
    session.release()
    ahead = project.root / "results/splits/made_by_a_fast_clock.json"
    ahead.touch()
    os.utime(ahead, (3e9, 3e9))
    session.begin(project.root, {}, ["all"], main=True)
    changed = project.root / CHANGED
    assert ahead.stat().st_mtime_ns <= changed.stat().st_mtime_ns


@pytest.mark.engine
def test_without_an_index_what_is_in_the_cache_is_found_again(
    copy: Callable[[], Project], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = copy()
    monkeypatch.setattr(session, "_require_own_source", lambda root: None)
    before = {path.name for path in (made.root / ".prov/index").glob("*.json")}
    shutil.rmtree(made.root / ".prov")
    session.begin(made.root, {}, ["all"], main=True)
    session.release()
    assert {path.name for path in (made.root / ".prov/index").glob("*.json")} == before


def test_missing_images_say_what_to_run(project: Project) -> None:
    change = {"runs": {"datasets": ["brain_mri"]}}
    with pytest.raises(MedadError, match="no images at data/raw/brain_mri; `medad data get"):
        session.begin(project.root, change, ["all"], main=True)


@pytest.mark.parametrize("root", [None, "~/scans"])
def test_a_folder_that_was_named_and_is_gone_is_an_error_though_its_files_are_known(
    project: Project, root: str | None
) -> None:
    listing = project.root / ".prov/raw/folder.json"
    listing.parent.mkdir(parents=True)
    listing.write_text('{"files": {}}')
    change = {"runs": {"datasets": ["folder"]}, "datasets": {"folder": {"root": root}}}
    if root is None:
        session.begin(project.root, change, ["all"], main=True)
        return
    with pytest.raises(MedadError, match=f"no images at {Path(root).expanduser()}; `medad"):
        session.begin(project.root, change, ["all"], main=True)


def test_missing_weights_are_said_before_any_work(project: Project) -> None:
    change = {"backbone": {"weights": "file", "file": "w.safetensors", "sha256": "ab" * 32}}
    with pytest.raises(MedadError, match=r"backbone\.file: got 'w\.safetensors', which is not"):
        session.begin(project.root, change, ["all"], main=True)


@pytest.mark.parametrize("other", [False, True])
def test_other_weights_are_refused_before_anything_is_removed(
    project: Project, other: bool
) -> None:
    (project.root / "w.safetensors").write_bytes(b"weights")
    given = {"file": "w.safetensors", "sha256": hashlib.sha256(b"weights").hexdigest()}
    wrong = {"file": "w.safetensors", "sha256": "ab" * 32}
    backbone: dict[str, object] = {"weights": "file", **(given if other else wrong)}
    if other:
        backbone["others"] = {"resnet50": wrong}
    made = project.root / "results/weights/resnet18.file.manifest.json"
    made.parent.mkdir(parents=True)
    made.write_bytes(b"{}")
    key = r"backbone\.others\.resnet50" if other else "backbone"
    with pytest.raises(MedadError, match=rf"^{key}\.sha256: got abab.*, but w\.safetensors has"):
        session.begin(project.root, {"backbone": backbone}, ["all"], main=True)
    assert made.exists()
    session.begin(project.root, {"backbone": {"weights": "file", **given}}, ["all"], main=True)


def test_another_medad_is_refused(tmp_path: Path) -> None:
    made = Project(tmp_path)
    with pytest.raises(MedadError, match="not from this folder's src/medad"):
        session.begin(made.root, {}, ["all"], main=True)


def test_a_folder_of_images_is_listed_by_hash(project: Project) -> None:
    images = project.root / "elsewhere"
    (images / "healthy").mkdir(parents=True)
    (images / "healthy/a.png").write_bytes(b"a")
    change = {"runs": {"datasets": ["folder"]}, "datasets": {"folder": {"root": str(images)}}}
    session.begin(project.root, change, ["all"], main=True)
    listing = project.root / ".prov/raw/folder.json"
    assert list(json.loads(listing.read_text())["files"]) == ["healthy/a.png"]
    settings = json.loads((project.root / ".prov/settings.json").read_text())
    assert settings["locations"] == {"folder": str(images)}
    assert str(images) not in "".join(
        path.read_text() for path in (project.root / ".prov/keys").rglob("*.json")
    )


def test_gpus_are_asked_for_only_where_there_are_some(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session.environment, "has_gpu", lambda: False)
    assert session.gpus() == 0
    monkeypatch.setattr(session.environment, "has_gpu", lambda: True)
    assert session.gpus() == 1
