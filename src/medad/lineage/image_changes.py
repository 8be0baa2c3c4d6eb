"""Which images of a dataset differ between two indexes, by path."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from medad.lineage.differences import Cause
from medad.lineage.places import Place, read_json, read_parquet

_COLUMNS = ("path", "sha256", "label", "mask", "mask_sha256")
_LABELS = {0: "healthy", 1: "anomalous"}
Rows = dict[str, dict[str, Any]]


def image_changes(
    a: Place, b: Place, old: Mapping[str, Any], new: Mapping[str, Any], path: str
) -> list[Cause]:
    """Causes of sort ``image`` and alike, or of sort ``file`` where only other files differ.

    ``old``, ``new``: manifests of the index steps. Where an index is not here, the list of its
    files says it; without either, one cause says that they differ.
    """
    where = [{name: item["path"] for name, item in m["outputs"].items()} for m in (old, new)]
    sides = list(zip((a, b), where, strict=True))
    if all(place.has(paths["index"]) for place, paths in sides):
        tables = [_rows(place, paths["index"]) for place, paths in sides]
        found = list(_changes(*tables))
        if found:
            return [Cause(*item, "index", path) for item in found]
    if not all(place.has(paths["listing"]) for place, paths in sides):
        text = "files of the dataset differ, and their lists are not here"
        return [Cause("unknown", text, None, None, "index", path)]
    before, after = (read_json(place, paths["listing"])["files"] for place, paths in sides)
    return [
        Cause("file", name, before.get(name), after.get(name), "index", path)
        for name in sorted({*before, *after})
        if before.get(name) != after.get(name)
    ]


def _rows(place: Place, path: str) -> Rows:
    columns = read_parquet(place, path, _COLUMNS)
    rows = zip(*(columns[name] for name in _COLUMNS), strict=True)
    return {values[0]: dict(zip(_COLUMNS, values, strict=True)) for values in rows}


def _changes(old: Rows, new: Rows) -> Iterator[tuple[str, str, Any, Any]]:
    """(sort, what, value in A, value in B); an image that only moved is one change, not two."""
    gone = {path: row for path, row in old.items() if path not in new}
    come = {path: row for path, row in new.items() if path not in old}
    for before, after in sorted(_moved(gone, come)):
        labels = _label(gone.pop(before)), _label(come.pop(after))
        if labels[0] == labels[1]:
            yield "image place", before, before, after
        else:
            yield "image place", before, f"{before} ({labels[0]})", f"{after} ({labels[1]})"
    yield from (("image", path, gone[path]["sha256"], None) for path in sorted(gone))
    yield from (("image", path, None, come[path]["sha256"]) for path in sorted(come))
    for path in sorted(old.keys() & new.keys()):
        one, two = old[path], new[path]
        if one["sha256"] != two["sha256"]:
            yield "image", path, one["sha256"], two["sha256"]
        if one["label"] != two["label"]:
            yield "image label", path, _label(one), _label(two)
        if (one["mask"], one["mask_sha256"]) != (two["mask"], two["mask_sha256"]):
            yield "image mask", path, one["mask_sha256"] or None, two["mask_sha256"] or None


def _label(row: Mapping[str, Any]) -> str:
    return str(_LABELS.get(row["label"], row["label"]))


def _moved(gone: Rows, come: Rows) -> Iterator[tuple[str, str]]:
    """Pairs of paths whose content is the same and is there once on either side."""
    left, right = _by_content(gone), _by_content(come)
    for content in left.keys() & right.keys():
        if len(left[content]) == len(right[content]) == 1:
            yield left[content][0], right[content][0]


def _by_content(rows: Rows) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for path, row in rows.items():
        found.setdefault(row["sha256"], []).append(path)
    return found
