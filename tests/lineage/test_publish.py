from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from small_project import Small, run
from small_publication import HEADS, METRICS, TABLE, publication, snapshot

from medad import layout
from medad.errors import MedadError
from medad.lineage import publish as module
from medad.lineage.publish import publish

SCORES = layout.output("score", run("a"), "scores")


def refused(root: Path, folder: Path, match: str, results: tuple[str, ...] = (TABLE,)) -> None:
    """One error, and nothing is changed around the folder either."""
    before = snapshot(folder.parent)
    with pytest.raises(MedadError, match=match):
        publish(root, results, folder)
    assert snapshot(folder.parent) == before


def test_bytes_repeat_and_what_was_published_before_is_replaced(tmp_path: Path) -> None:
    folder = publication(tmp_path)
    (folder / "README.md").write_text("of the user")
    before = snapshot(folder)
    publish(tmp_path / "made", [TABLE], folder)
    assert snapshot(folder) == before
    assert (folder / "t.csv").read_bytes() == b"csv"
    publish(tmp_path / "made", [METRICS], folder)
    archives = {path.stem for path in folder.glob("evidence/*")}
    assert archives == {"heads", "metrics", "records", "scores", "shots"}
    assert (folder / "README.md").read_text() == "of the user"


@pytest.mark.parametrize("path", [SCORES, TABLE])
def test_a_file_that_is_not_what_was_made_is_not_published(tmp_path: Path, path: str) -> None:
    root = Small(tmp_path / "made").root
    (tmp_path / "parent").mkdir()
    (root / path).write_text("changed")
    refused(root, tmp_path / "parent/new/published", rf"{path} \(changed since it was made\)$")
    (root / path).unlink()
    refused(root, tmp_path / "parent/new/published", rf"{path} \(missing\)$")
    (root / path).mkdir()
    refused(root, tmp_path / "parent/new/published", rf"{path} \(cannot be read: Is a directory\)$")


def test_a_record_or_manifest_that_was_changed_is_not_published(tmp_path: Path) -> None:
    root = Small(tmp_path / "made").root
    (tmp_path / "parent").mkdir()
    key = json.loads((root / layout.manifest("score", run("a"))).read_text())["key"]
    [record] = root.glob(f"results/records/*/{key}/*.json")
    good = record.read_text()
    record.write_text(good.replace("1.5", "2.5"))
    refused(root, tmp_path / "parent/published", r"json \(changed since it was written\)$")
    record.write_text(good)
    manifest = root / layout.manifest("score", run("a"))
    manifest.write_text(manifest.read_text().replace('"seed": 0', '"seed": 1'))
    refused(root, tmp_path / "parent/published", "changed since it was written")


def test_files_of_the_user_are_never_removed(tmp_path: Path) -> None:
    folder = publication(tmp_path)
    root, evidence = tmp_path / "made", folder / "evidence"
    (evidence / "notes.txt").write_text("mine")
    refused(root, folder, r"notes\.txt: not written by `medad publish`")
    (evidence / "notes.txt").unlink()
    for name, member in (
        ("mine.zip", "notes.txt"),
        ("tables.zip", "results/tables/notes.txt"),
        ("tables.zip", METRICS),
        ("heads.zip", HEADS[0]),
        ("heads.zip", "results/heads/d/s/a/k02/r0.manifest.json"),
    ):
        good = (evidence / name).read_bytes() if (evidence / name).exists() else None
        with zipfile.ZipFile(evidence / name, "a") as archive:
            archive.writestr(member, "mine")
        refused(root, folder, f"{name}: not written by `medad publish`")
        (evidence / name).unlink() if good is None else (evidence / name).write_bytes(good)
    (evidence / "mine.zip").write_text("no archive")
    refused(root, folder, r"mine\.zip: cannot be read as a zip archive")
    (evidence / "mine.zip").unlink()
    (evidence / "mine").mkdir()
    refused(root, folder, "mine: not written by `medad publish`")
    (evidence / "mine").rmdir()
    evidence.rename(tmp_path / "elsewhere")
    evidence.symlink_to(tmp_path / "elsewhere")
    refused(root, folder, "evidence: no folder; move it away")
    evidence.unlink()
    (folder / "t.csv").unlink()
    (folder / "t.csv").mkdir()
    refused(root, folder, r"t\.csv: a folder")


def test_a_folder_that_cannot_be_written_is_one_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = publication(tmp_path)
    (tmp_path / "parent").mkdir()
    (tmp_path / "parent/file").write_text("")
    for place in ("parent/file", "parent/file/below"):
        refused(tmp_path / "made", tmp_path / place, "cannot be written")

    def full(paths: Any, root: Path, target: Path) -> None:
        target.write_text("half")
        raise OSError(28, "No space left on device", str(target))

    monkeypatch.setattr(module, "pack", full)
    refused(tmp_path / "made", folder, "cannot be written .No space left on device")
    refused(tmp_path / "made", tmp_path / "parent/new", "cannot be written .No space left")


def test_results_of_one_name_go_by_their_path(tmp_path: Path) -> None:
    made = Small(tmp_path / "made")
    pictures = [
        made.step(
            "figure", {"dataset": d, "split": "s", "figure": f}, {}, {"figure": (d + f).encode()}
        )
        for d, f in (("d", "f"), ("e", "f"), ("e", "g"))
    ]
    publish(made.root, [one["figure"] for one in pictures], tmp_path / "published")
    found = {path.name: path.read_text() for path in (tmp_path / "published").glob("*.png")}
    assert found == {"figures.d.s.f.png": "df", "figures.e.s.f.png": "ef", "g.png": "eg"}


def test_no_model_and_no_map_lies_open_though_it_was_asked_for(tmp_path: Path) -> None:
    made = Small(tmp_path / "made")
    made.step("score", run("c"), {}, {"scores": b"of c", "maps": b"maps"})
    maps = layout.output("score", run("c"), "maps")
    packed = publish(made.root, [maps, HEADS[0]], tmp_path / "published")
    assert not {maps, HEADS[0]} & set(packed)
    assert sorted(path.name for path in (tmp_path / "published").iterdir()) == [
        "evidence",
        "r0.parquet",
    ]
