from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from small_project import PLACE, Small

from medad.files import write_bytes, write_json
from medad.lineage import inventory, sources

PLACES = ("images", "images.zip")


def write_images(root: Path, place: str, content: dict[str, bytes]) -> None:
    if not place.endswith(".zip"):
        for name, found in content.items():
            write_bytes(root / place / name, found)
        return
    with zipfile.ZipFile(root / place, "w") as archive:
        for name, found in content.items():
            archive.writestr(name, found)


@pytest.fixture(params=PLACES)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Two images, one of them a volume of two slices, and a mask."""
    content = {"a.png": b"a", "v.nii": b"v", "m.png": b"m"}
    known = {name: hashlib.sha256(found).hexdigest() for name, found in content.items()}
    columns = {
        "path": ["a.png", "v.nii#z=1", "v.nii#z=2"],
        "sha256": [known["a.png"], known["v.nii"], known["v.nii"]],
        "mask": ["m.png", "", ""],
        "mask_sha256": [known["m.png"], "", ""],
    }
    pq.write_table(pa.table(columns), tmp_path / "index")
    made = Small(tmp_path)
    made.step("index", PLACE, {}, {"index": (tmp_path / "index").read_bytes()})
    place = str(request.param)
    write_images(tmp_path, place, content)
    write_json(tmp_path / ".prov/settings.json", {"locations": {"d": place}})
    return place


def images(root: Path, notes: list[str]) -> list[tuple[str, str]]:
    known = inventory.take(root, inventory.every(root))
    found = sources.images(root, known, (), lambda _: True, notes)
    return [(path, fault) for path, fault, _ in found]


def test_images_are_those_of_the_index(place: str, tmp_path: Path) -> None:
    assert images(tmp_path, []) == []
    write_images(tmp_path, place, {"a.png": b"a", "v.nii": b"w", "m.png": b"n"})
    fault = "changed since it was indexed"
    assert images(tmp_path, []) == [(f"{place}/m.png", fault), (f"{place}/v.nii", fault)]


def test_a_lost_image_is_a_problem_and_lost_images_are_a_note(place: str, tmp_path: Path) -> None:
    if place.endswith(".zip"):
        write_images(tmp_path, place, {"a.png": b"a", "v.nii": b"v"})
        (tmp_path / place).rename(tmp_path / "gone")
    else:
        (tmp_path / place / "m.png").unlink()
        [(path, fault)] = images(tmp_path, [])
        assert path == f"{place}/m.png"
        assert fault.startswith("cannot be read")
        (tmp_path / place).rename(tmp_path / "gone")
    notes: list[str] = []
    assert images(tmp_path, notes) == []
    assert notes == ["d: images are not here; they are known by hash"]


def test_an_archive_that_cannot_be_opened_is_one_problem(tmp_path: Path, place: str) -> None:
    write_json(tmp_path / ".prov/settings.json", {"locations": {"d": "broken.zip"}})
    (tmp_path / "broken.zip").write_bytes(b"no zip")
    [(path, fault)] = images(tmp_path, [])
    assert path == "broken.zip"
    assert "not a valid zip" in fault


def test_each_source_is_read_once_and_blamed_on_each_reader(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Small(tmp_path)
    write_bytes(tmp_path / "data/teacher", b"teacher")
    for method in ("c", "e"):
        identity = {**PLACE, "k": 2, "r": 0, "method": method}
        made.step("head", identity, {"teacher": "data/teacher"}, {"head": method.encode()})
    known = inventory.take(tmp_path, inventory.every(tmp_path))
    assert list(sources.files(tmp_path, known, lambda _: True, [])) == []
    write_bytes(tmp_path / "data/teacher", b"another")
    read: list[Path] = []
    original = sources.sha256
    monkeypatch.setattr(sources, "sha256", lambda path: read.append(path) or original(path))
    found = list(sources.files(tmp_path, known, lambda _: True, []))
    assert len(found) == 2
    assert {known.path(step or 0).split("/")[4] for _, _, step in found} == {"c", "e"}
    assert len(read) == 1
