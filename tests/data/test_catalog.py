from __future__ import annotations

import hashlib
import os
import re
import zipfile
from pathlib import Path

import numpy as np
import pytest

from medad.data import catalog
from medad.data.catalog import Difference, check, listing
from medad.data.images import open_bytes
from medad.data.readers import brain_mri
from medad.errors import MedadError
from medad.files import read_csv, read_json

CATALOG = Path(__file__).parents[2] / "data" / "catalog" / "brain_mri.csv"


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def root(tmp_path, write):
    files = {"no/a.png": b"a", "no/b c.png": b"b", "top.txt": b"t", ".hid": b"h", "no/.x/y": b"y"}
    return write(tmp_path / "set", files)


EXPECTED = {"no/a.png": sha(b"a"), "no/b c.png": sha(b"b"), "top.txt": sha(b"t")}


def settle(root):
    """Date all files long ago, so that their hashes may be cached."""
    for path in root.rglob("*"):
        os.utime(path, ns=(10**18, 10**18))


def test_listing_is_sorted_and_skips_hidden(root):
    files = listing(root)
    assert files == EXPECTED
    assert list(files) == sorted(files)


METHODS = [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("harm", ["content", "encrypted", "unknown"])
def test_a_member_that_cannot_be_read_is_named(tmp_path, method, harm):
    path = tmp_path / "set.zip"
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("no/a.png", np.random.default_rng(0).bytes(400))
    damaged = bytearray(path.read_bytes())
    first, last = damaged.index(b"PK\x03\x04"), damaged.rindex(b"PK\x01\x02")
    if harm == "content":
        damaged[first + 60 : first + 100] = bytes(40)
    for at in (first + 6, last + 8):  # flags, then the method
        if harm == "encrypted":
            damaged[at] |= 1
        if harm == "unknown":
            damaged[at + 2] = 98
    path.write_bytes(damaged)
    with pytest.raises(MedadError, match=r"no/a.png in .*set.zip: damaged, or packed in a way"):
        listing(path)
    with pytest.raises(MedadError, match=r"no/a.png in .*set.zip: damaged"):
        open_bytes(path, "no/a.png")


def test_zip_lists_the_same(tmp_path, root):
    path = tmp_path / "set.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("top.txt", "no/b c.png", "no/a.png", ".hid", "no/.x/y"):
            archive.write(root / name, name)
        archive.mkdir("empty")
    assert listing(path) == EXPECTED


def test_cached_hashes_are_not_computed_again(root, tmp_path, monkeypatch):
    settle(root)
    cache = tmp_path / "cache.json"
    assert listing(root, cache) == EXPECTED
    read = []
    monkeypatch.setattr(catalog, "sha256", lambda path: read.append(path.name) or "new")
    assert listing(root, cache) == EXPECTED
    assert read == []
    (root / "no/a.png").write_bytes(b"longer")
    assert listing(root, cache) == EXPECTED | {"no/a.png": "new"}
    assert read == ["a.png"]


def test_equal_size_but_younger_is_hashed_again(root, tmp_path):
    settle(root)
    cache = tmp_path / "cache.json"
    listing(root, cache)
    (root / "no/a.png").write_bytes(b"z")
    assert listing(root, cache)["no/a.png"] == sha(b"z")


def test_just_written_files_are_not_cached(root, tmp_path):
    cache = tmp_path / "cache.json"
    listing(root, cache)
    assert read_json(cache)["files"] == {}


def test_removed_files_leave_the_cache(root, tmp_path):
    settle(root)
    cache = tmp_path / "cache.json"
    listing(root, cache)
    (root / "top.txt").unlink()
    assert "top.txt" not in listing(root, cache)
    assert "top.txt" not in read_json(cache)["files"]


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b'{"root": "elsewhere", "files": {}}'])
def test_a_damaged_or_foreign_cache_is_ignored(root, tmp_path, content):
    cache = tmp_path / "cache.json"
    cache.write_bytes(content)
    assert listing(root, cache) == EXPECTED


def test_absent_root_and_leaving_links_are_errors(root, tmp_path):
    with pytest.raises(MedadError, match="no such folder"):
        listing(tmp_path / "nowhere")
    (tmp_path / "secret").write_bytes(b"s")
    (root / "no/link.png").symlink_to(tmp_path / "secret")
    with pytest.raises(MedadError, match=r"no/link\.png: links to"):
        listing(root)


def test_a_link_to_a_folder_or_to_nothing_drops_nothing_in_silence(root, tmp_path):
    link = root / "no" / "more"
    (root / "real").mkdir()
    link.symlink_to(root / "real", target_is_directory=True)
    with pytest.raises(MedadError, match=r"no/more: links to the folder .*/real; move or copy"):
        listing(root)
    link.unlink()
    link.symlink_to(tmp_path, target_is_directory=True)
    with pytest.raises(MedadError, match=r"no/more: links to .*, outside .*; copy it"):
        listing(root)
    link.unlink()
    link.symlink_to(root / "gone.png")
    with pytest.raises(MedadError, match=r"no/more: links to .*/gone\.png, which is not there"):
        listing(root)
    link.unlink()
    (tmp_path / "elsewhere").symlink_to(root, target_is_directory=True)
    assert listing(tmp_path / "elsewhere") == EXPECTED  # the root itself may be a link


def test_a_file_that_may_not_be_read_is_named(root, monkeypatch):
    def refuse(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("medad.data.catalog.sha256", refuse)
    with pytest.raises(MedadError, match=r" in .*: cannot be read \(Permission denied\); make it"):
        listing(root)


def test_check_names_each_kind(tmp_path):
    path = tmp_path / "c.csv"
    path.write_text("file,sha256,label,mask\nno/a,1,0,\nno/b,2,0,\nmasks/m,3,,\n")
    same = {"no/a": "1", "no/b": "2", "masks/m": "3", "notes.txt": "9"}
    assert not check(same, path)
    found = check({"no/a": "x", "no/c": "4", "masks/m": "3"}, path)
    assert found == Difference(missing=("no/b",), extra=("no/c",), changed=("no/a",))
    assert found.lines() == ["1 missing: no/b", "1 extra: no/c", "1 changed: no/a"]
    assert not check({"no/a": "1", "no/b": "2"}, path)  # a copy that came without masks


def test_many_differences_are_shortened():
    line = Difference(tuple("abcdefgh"), (), ()).lines(most=2)
    assert line == ["8 missing: a, b, ..."]


def test_the_shipped_catalog_is_the_published_set():
    rows = read_csv(CATALOG)
    images = [row for row in rows if row["label"]]
    assert [row["file"] for row in rows] == sorted(row["file"] for row in rows)
    assert sum(row["label"] == "0" for row in images) == 98
    assert sum(row["label"] == "1" for row in images) == 155
    assert sum(bool(row["mask"]) for row in images) == 127
    assert all(re.fullmatch("[0-9a-f]{64}", row["sha256"]) for row in rows)
    # the reader agrees, but for the one mask whose size is wrong
    entries = {entry.path: entry for entry in brain_mri([row["file"] for row in rows])}
    different = [row["file"] for row in images if entries[row["file"]].mask != row["mask"]]
    assert different == ["yes/Y163.JPG"]
    assert all(entries[row["file"]].label == int(row["label"]) for row in images)
