from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from medad.files import write_json, write_parquet
from medad.lineage.image_changes import image_changes
from medad.lineage.places import Folder

INDEX, LISTING = "results/index/x/index.parquet", "results/index/x/index.listing.json"
MANIFEST = {"outputs": {"index": {"path": INDEX}, "listing": {"path": LISTING}}}
Rows = dict[str, tuple[str, int, str]]  # path -> content, label, mask's content
HEALTHY: Rows = {"a.png": ("1", 0, ""), "b.png": ("2", 0, "m")}


def place(root: Path, rows: Rows | None, files: dict[str, str]) -> Folder:
    if rows is not None:
        columns = [list(values) for values in zip(*rows.values(), strict=True)]
        found: dict[str, list[Any]] = {"path": list(rows), "sha256": columns[0]}
        masks = [f"m/{path}" if mask else "" for path, mask in zip(rows, columns[2], strict=True)]
        found |= {"label": columns[1], "mask": masks, "mask_sha256": columns[2]}
        write_parquet(root / INDEX, found)
    if files:
        write_json(root / LISTING, {"files": files})
    return Folder(root, "x")


def said(old: Folder, new: Folder) -> list[tuple[str, str, Any, Any]]:
    causes = image_changes(old, new, MANIFEST, MANIFEST, "results/index/x/index.manifest.json")
    return [(cause.sort, cause.what, cause.old, cause.new) for cause in causes]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ({"a.png": ("9", 0, "")}, [("image", "a.png", "1", "9")]),
        ({"a.png": ("1", 1, "")}, [("image label", "a.png", "healthy", "anomalous")]),
        ({"b.png": ("2", 0, "n")}, [("image mask", "b.png", "m", "n")]),
        ({"b.png": ("2", 0, "")}, [("image mask", "b.png", "m", None)]),
        ({"c.png": ("3", 0, "")}, [("image", "c.png", None, "3")]),
        ({"c.png": ("1", 0, "")}, [("image", "c.png", None, "1")]),  # a copy: the old one stayed
        (
            {"a.png": ("9", 1, "")},
            [("image", "a.png", "1", "9"), ("image label", "a.png", "healthy", "anomalous")],
        ),
    ],
)
def test_every_change_of_an_image(
    rows: Rows, expected: list[tuple[str, str, Any, Any]], tmp_path: Path
) -> None:
    old = place(tmp_path / "a", HEALTHY, {})
    assert said(old, place(tmp_path / "b", {**HEALTHY, **rows}, {})) == expected


def test_a_moved_image_is_one_change_unless_it_has_copies(tmp_path: Path) -> None:
    old = place(tmp_path / "a", HEALTHY, {})
    moved = {"c.png": ("1", 0, ""), "b.png": ("2", 0, "m")}
    new = place(tmp_path / "b", moved, {})
    assert said(old, new) == [("image place", "a.png", "a.png", "c.png")]
    twice = place(tmp_path / "c", {**moved, "d.png": ("1", 0, "")}, {})
    assert [(sort, what) for sort, what, *_ in said(old, twice)] == [
        *(("image", "a.png"), ("image", "c.png"), ("image", "d.png")),
    ]


def test_other_files_are_named_where_no_image_differs(tmp_path: Path) -> None:
    old = place(tmp_path / "a", HEALTHY, {"notes.txt": "1", "a.png": "1"})
    new = place(tmp_path / "b", HEALTHY, {"notes.txt": "2", "a.png": "1"})
    assert said(old, new) == [("file", "notes.txt", "1", "2")]
    ((sort, what, *_),) = said(old, place(tmp_path / "c", None, {}))
    assert (sort, what) == ("unknown", "files of the dataset differ, and their lists are not here")
