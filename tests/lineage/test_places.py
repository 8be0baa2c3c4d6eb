from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from medad.errors import MedadError
from medad.lineage.places import Folder, Place, Publication, inside, read_json, read_parquet

TABLE = "results/tables/table1.json"


def publication(folder: Path, **files: str) -> Publication:
    (folder / "evidence").mkdir(exist_ok=True)
    with zipfile.ZipFile(folder / "evidence/x.zip", "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return Publication(folder)


def test_a_folder_and_a_publication_read_alike(tmp_path: Path) -> None:
    (tmp_path / "results/tables").mkdir(parents=True)
    (tmp_path / TABLE).write_text("{}")
    places: list[Place] = [Folder(tmp_path, "x"), publication(tmp_path, **{TABLE: "{}"})]
    for place in places:
        assert place.has(TABLE)
        assert not place.has("results/tables/other.json")
        assert read_json(place, TABLE) == {}
        assert place.under("results/tables") == [TABLE]
        assert place.under("results/none") == []
        with pytest.raises(MedadError, match=r"other\.json: not "):
            place.read("results/tables/other.json")


def test_nothing_outside_results_is_read(tmp_path: Path) -> None:
    (tmp_path / "results").mkdir()
    (tmp_path / "secret").write_text("{}")
    names = ("secret", "results/../secret", "/etc/passwd", "", "../secret")
    for place in (Folder(tmp_path, "x"), publication(tmp_path, **{n or "x": "{}" for n in names})):
        assert not any(place.has(name) or place.under(name) for name in names)
    assert not any(inside(name) for name in names)


def test_damage_is_named(tmp_path: Path) -> None:
    place = publication(tmp_path, **{TABLE: "{", "results/index/x/index.parquet": "x"})
    with pytest.raises(MedadError, match=r"table1.json in .*not valid JSON"):
        read_json(place, TABLE)
    with pytest.raises(MedadError, match=r"index.parquet in .*cannot be read as Parquet"):
        read_parquet(place, "results/index/x/index.parquet", ["path"])
    (tmp_path / "evidence/x.zip").write_text("no zip")
    with pytest.raises(MedadError, match=r"x.zip: not a zip archive"):
        Publication(tmp_path).has(TABLE)
