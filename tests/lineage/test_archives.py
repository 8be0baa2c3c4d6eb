from __future__ import annotations

import json
import struct
import tracemalloc
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from small_project import Small
from small_publication import METRICS, TABLE, publication, rewrite, snapshot

from medad import layout
from medad.errors import MedadError
from medad.files import canonical_json
from medad.lineage import manifest
from medad.lineage.adopt import Adopted, adopt

MANIFEST = layout.manifest("table", {"table": "t"})


def refused(folder: Path, match: str) -> None:
    """One error, and a new project stays as it was."""
    root = folder.parent / "root"
    root.mkdir(exist_ok=True)
    with pytest.raises(MedadError, match=match):
        adopt(root, folder)
    assert snapshot(root) == {}


def sealed(folder: Path, changes: Mapping[str, Any]) -> bytes:
    """The table's manifest with other fields, and the key and the seal that go with them."""
    found = json.loads((folder.parent / "made" / MANIFEST).read_text())
    found.update(changes)
    half = manifest.Half(**{name: found[name] for name in manifest.Half.__dataclass_fields__})
    inputs = {name: item["sha256"] for name, item in found["inputs"].items()}
    found["key"] = manifest.key(half, found["identity"], inputs)
    return canonical_json(manifest.seal(found))


def test_archives_may_not_leave_results(tmp_path: Path) -> None:
    folder = publication(tmp_path)
    for name in ("results/../../x", "src/medad/x.py", "/etc/x", "results/./x", "results//x"):
        with zipfile.ZipFile(folder / "evidence/x.zip", "w") as archive:
            archive.writestr(name, "x")
        refused(folder, "only hold files below results/")
    refused(folder / "evidence", r"no evidence/\*\.zip")


@pytest.mark.parametrize(
    "name",
    [
        "results/notes.txt",
        "results/records/notes.json",
        "results/shots/d/s/k02/r0.csv",
        f"results/shots/d/s/k{'9' * 5000}/r0.csv",
        f"results/tables/{'t' * 2000}.csv",
        "results/tables/t.csv\n",
    ],
)
def test_files_that_medad_does_not_publish_are_refused(tmp_path: Path, name: str) -> None:
    folder = publication(tmp_path)
    rewrite(folder, {name: b"x"})
    refused(folder, "not a file that medad publishes")


def test_a_file_without_a_manifest_and_one_that_comes_twice_are_refused(tmp_path: Path) -> None:
    folder = publication(tmp_path)
    rewrite(folder, {"results/tables/other.csv": b"x"})
    refused(folder, r"other\.csv: no manifest in .* names this file")
    folder = publication(tmp_path)
    with zipfile.ZipFile(folder / "evidence/more.zip", "w") as archive:
        archive.writestr(METRICS, b"x")
    refused(folder, "comes twice")


def test_folders_that_zip_tools_add_are_skipped(tmp_path: Path) -> None:
    folder = publication(tmp_path)
    rewrite(folder, {"results/tables/": b"", "results/metrics/d/": b""})
    (tmp_path / "root").mkdir()
    assert adopt(tmp_path / "root", folder) == Adopted(27, 7, 2)


def _truncated(content: bytes) -> bytes:
    return content[: len(content) // 2]


def _other_bytes(content: bytes) -> bytes:
    """The first member's compressed bytes spoiled, so that they cannot be decompressed."""
    start = 30 + sum(struct.unpack("<HH", content[26:30]))
    return content[:start] + b"\xff" * 20 + content[start + 20 :]


def _other_checksum(content: bytes) -> bytes:
    at = content.index(b"PK\x01\x02") + 16
    return content[:at] + bytes(4) + content[at + 4 :]


def _encrypted(content: bytes) -> bytes:
    at = content.index(b"PK\x01\x02") + 8
    return content[:at] + b"\x01" + content[at + 1 :]


@pytest.mark.parametrize(
    "damage", [_truncated, _other_bytes, _other_checksum, _encrypted, lambda content: b"no zip"]
)
def test_a_damaged_archive_is_one_error(tmp_path: Path, damage: Any) -> None:
    folder = publication(tmp_path)
    for stage in ("tables", "metrics"):  # first a manifest is damaged, then an output
        file = folder / f"evidence/{stage}.zip"
        good = file.read_bytes()
        file.write_bytes(damage(good))
        refused(folder, rf"{stage}\.zip.*cannot be read as a zip archive")
        file.write_bytes(good)


def test_only_what_is_deflated_or_stored_is_read(tmp_path: Path) -> None:
    """The others may unpack to any size at once."""
    folder = publication(tmp_path)
    with zipfile.ZipFile(folder / "evidence/tables.zip", "w", zipfile.ZIP_BZIP2) as archive:
        archive.write(tmp_path / "made" / MANIFEST, MANIFEST)
    refused(folder, "compressed otherwise than medad does")


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"identity": {"table": "../../x"}}, "it is another step's"),
        ({"kind": "split"}, "it is another step's"),
        ({"outputs": {"csv": {"path": ".prov/settings.json"}}}, "has no size and digests"),
        ({"outputs": []}, "outputs is missing or of another type"),
        ({"params": None}, "params is missing or of another type"),
    ],
)
def test_a_manifest_of_another_step_is_refused(
    tmp_path: Path, changes: dict[str, Any], match: str
) -> None:
    folder = publication(tmp_path)
    found = json.loads((tmp_path / "made" / MANIFEST).read_text())
    rewrite(folder, {MANIFEST: canonical_json(manifest.seal({**found, **changes}))})
    refused(folder, match)


def test_no_identity_leads_outside(tmp_path: Path) -> None:
    """The listing of a dataset named ../settings would be .prov/settings.json."""
    folder = publication(tmp_path)
    made = Small(tmp_path / "other")
    outputs = {"index": b"", "skipped": b"", "listing": b'{"files": {}}'}
    made.step("index", {"dataset": "x"}, {}, outputs)
    path = layout.manifest("index", {"dataset": "x"})
    found = json.loads((made.root / path).read_text())
    for dataset in ("../settings", "../../x"):
        forged = {**found, "identity": {"dataset": dataset}}
        rewrite(folder, {path: canonical_json(manifest.seal(forged))})
        refused(folder, "it is another step's")


def test_a_manifest_that_is_not_written_as_medads_is_refused(tmp_path: Path) -> None:
    folder = publication(tmp_path)
    good = (tmp_path / "made" / MANIFEST).read_bytes()
    found = json.loads(good)
    unknown_key = canonical_json(manifest.seal({**found, "key": "../../x"}))
    path = MANIFEST.replace("/t.", "/u.")
    for name, content in (
        (MANIFEST, unknown_key),
        (MANIFEST, good.replace(b'"seed": 0', b'"seed": 1')),
        (MANIFEST, good + b"\n"),
        (MANIFEST, b"[]"),
        (MANIFEST, b"[" * 100_000),
        (MANIFEST, b"\xff"),
        (path, good),
    ):
        rewrite(folder, {MANIFEST: good, path: good, name: content})
        refused(folder, "refused: not the|changed since|not valid JSON|another step's")


def test_a_record_is_whole_and_of_its_key(tmp_path: Path) -> None:
    folder = publication(tmp_path)
    made = [path for path in snapshot(tmp_path / "made") if "/records/" in path and "." in path]
    first, second = ((tmp_path / "made" / path).read_bytes() for path in made[:2])
    rewrite(folder, {made[0]: second})
    refused(folder, f"refused: not what their manifests say: {made[0]}$")
    rewrite(folder, {made[0]: first.replace(b"1.5", b"2.5")})
    refused(folder, f"refused: not what their manifests say: {made[0]}$")


@pytest.mark.parametrize("path", [METRICS, MANIFEST])
def test_no_more_is_read_than_a_file_should_have(tmp_path: Path, path: str) -> None:
    folder = publication(tmp_path)
    rewrite(folder, {path: bytes(64 << 20)})
    tracemalloc.start()
    try:
        refused(folder, "not what their manifests say|larger than any manifest")
        assert tracemalloc.get_traced_memory()[1] < 24 << 20
    finally:
        tracemalloc.stop()


def test_a_size_that_lies_is_no_way_around(tmp_path: Path) -> None:
    """Neither one in the archive nor one in a manifest."""
    folder = publication(tmp_path)
    made = (tmp_path / "made" / METRICS).stat().st_size
    rewrite(folder, {METRICS: bytes(8 << 20)})
    file = folder / "evidence/metrics.zip"
    size = struct.pack("<L", 8 << 20)
    file.write_bytes(file.read_bytes().replace(size, struct.pack("<L", made)))
    refused(folder, "cannot be read as a zip archive|not what their manifests say")
    folder = publication(tmp_path)
    outputs = json.loads((tmp_path / "made" / MANIFEST).read_text())["outputs"]
    outputs["csv"]["size"] = 10**30
    rewrite(folder, {MANIFEST: sealed(folder, {"outputs": outputs})})
    refused(folder, f"not what their manifests say: {TABLE}")


def test_a_picture_beside_the_archives_is_verified_like_all_else(tmp_path: Path) -> None:
    made = Small(tmp_path / "made")
    figure = {"dataset": "d", "split": "s", "figure": "f"}
    picture = made.step("figure", figure, {}, {"figure": b"png"})["figure"]
    folder = publication(tmp_path, (picture,))
    for content in (b"pnG", b"png and more"):
        (folder / "f.png").write_bytes(content)
        refused(folder, f"refused: not what their manifests say: {picture}")
    (folder / "f.png").write_bytes(b"png")
    adopt(tmp_path / "root", folder)
    assert (tmp_path / "root" / picture).read_bytes() == b"png"
