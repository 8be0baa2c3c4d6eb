from __future__ import annotations

from pathlib import Path

from small_project import DRAW, PLACE, Small, run

from medad import layout
from medad.files import read_json, sha256, write_json
from medad.lineage import manifest
from medad.lineage.summaries import Summary, read, summary


def test_a_good_manifest_tells_its_key_its_files_and_its_own_digest(tmp_path: Path) -> None:
    Small(tmp_path)
    path = layout.manifest("score", run("a"))
    found, known = summary(tmp_path, path), read_json(tmp_path / path)
    assert (found.path, found.problem) == (path, "")
    assert (found.key.hex(), found.digest.hex()) == (known["key"], known["digest"])
    inputs = {name: digest.hex() for name, digest in found.inputs}
    assert inputs == {item["path"]: item["sha256"] for item in known["inputs"].values()}
    [(name, digest, _, size)] = found.outputs
    assert digest.hex() == sha256(tmp_path / name)
    assert size == (tmp_path / name).stat().st_size


def test_a_negative_size_is_refused(tmp_path: Path) -> None:
    Small(tmp_path)
    path = layout.manifest("shots", DRAW)
    found = read_json(tmp_path / path)
    found["outputs"]["shots"]["size"] = -1
    write_json(tmp_path / path, manifest.seal(found))
    assert summary(tmp_path, path) == Summary(path, "not a manifest of medad")


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    path = layout.manifest("index", PLACE)
    (tmp_path / path).mkdir(parents=True)
    assert summary(tmp_path, path).problem == "cannot be read (Is a directory)"
    assert summary(tmp_path, "none").problem == "cannot be read (No such file or directory)"


def test_a_file_longer_than_one_reading_is_whole(tmp_path: Path) -> None:
    for size in (0, 65535, 65536, 65537, 200_000):
        content = bytes(number % 251 for number in range(size))
        (tmp_path / "f").write_bytes(content)
        assert read(str(tmp_path / "f")) == content
