from __future__ import annotations

import errno
from pathlib import Path

import pytest
from small_publication import snapshot

from medad.lineage.placing import place, prepared


def test_all_are_placed_and_what_they_replace_is_kept_aside(tmp_path: Path) -> None:
    (tmp_path / "old").write_text("old")
    with prepared(tmp_path) as folder:
        for name in ("a", "b"):
            (folder / name).write_text(name)
        (folder / "aside").mkdir()
        moves = [(folder / "a", tmp_path / "old"), (folder / "b", tmp_path / "x/y/b")]
        place(moves, folder / "aside")
        assert [path.read_text() for path in (folder / "aside").iterdir()] == ["old"]
    assert snapshot(tmp_path) == {"old": b"a", "x": None, "x/y": None, "x/y/b": b"b"}


def test_when_one_cannot_be_placed_all_is_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "old").write_text("old")
    before = snapshot(tmp_path)
    missing = tmp_path / "none"
    with pytest.raises(FileNotFoundError, match="none"):
        _place_two_and(missing, tmp_path)
    assert snapshot(tmp_path) == before


def _place_two_and(source: Path, root: Path) -> None:
    with prepared(root / "new/folder") as folder:
        for name in ("a", "b"):
            (folder / name).write_text(name)
        (folder / "aside").mkdir()
        moves = [(folder / "a", root / "old"), (folder / "b", root / "x/y/b"), (source, root / "z")]
        place(moves, folder / "aside")


def test_files_go_to_another_file_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def rename(self: Path, target: Path) -> None:
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    (tmp_path / "a").write_text("a")
    monkeypatch.setattr(Path, "rename", rename)
    place([(tmp_path / "a", tmp_path / "x/b")], tmp_path)
    assert snapshot(tmp_path) == {"x": None, "x/b": b"a"}
