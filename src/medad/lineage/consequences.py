"""What a difference comes to: values of cells and metrics, and how images moved in the ranking."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from medad import layout
from medad.lineage import cells
from medad.lineage.frontier import Side, paired
from medad.lineage.places import read_json, read_parquet
from medad.lineage.ranks import COLUMNS, movement
from medad.lineage.same_cell import drawn
from medad.lineage.targets import Target


def of_artifact(one: Side, a: Target, two: Side, b: Target) -> dict[str, Any]:
    """``cells`` of a table, ``values`` of metrics and ``ranks`` of scores, where they differ."""
    kind = a.step[0]
    paths = (a.manifest, b.manifest)
    if kind == "table":
        return {"cells": _cells(one, a, two, b)}
    if kind == "score":
        return {"ranks": _ranks(one, paths[0], two, paths[1])}
    return _metrics(one, paths[0], two, paths[1]) if kind == "metrics" else {}


def of_cell(one: Side, a: Target, two: Side, b: Target) -> dict[str, Any]:
    """``line``: what the table says otherwise of the cell; ``draws``: each with its values, and
    with the ranks of its scores."""
    old, new = drawn(one, a), drawn(two, b)
    line = {
        name: [old.line.get(name), new.line.get(name)]
        for name in {**old.line, **new.line}
        if old.line.get(name) != new.line.get(name)
    }
    draws = []
    for before, after in paired(old.metrics, new.metrics):
        made = layout.parse(old.metrics[before]), layout.parse(new.metrics[after])
        steps = [layout.manifest(*found) for found in made if found is not None]
        draws.append({"a": before, "b": after, **_metrics(one, steps[0], two, steps[1])})
    return {"line": line, "draws": draws}


def _cells(one: Side, a: Target, two: Side, b: Target) -> list[dict[str, Any]]:
    maps = [layout.output("table", target.step[1], "cells") for target in (a, b)]
    if not (one.place.has(maps[0]) and two.place.has(maps[1])):
        return []
    old, new = (
        cells.checked(read_json(side.place, path), f"{path} in {side.place.name}")
        for side, path in zip((one, two), maps, strict=True)
    )
    values = {
        name: [found[name]["value"] if name in found else None for found in (old, new)]
        for name in {**old, **new}
    }
    changed = sorted(name for name, (before, after) in values.items() if before != after)
    return [{"cell": name, "old": values[name][0], "new": values[name][1]} for name in changed]


def _metrics(one: Side, a: str, two: Side, b: str) -> dict[str, Any]:
    """``values`` that differ and AUROC always; ``ranks`` of the scores, where both are here."""
    found: dict[str, Any] = {}
    manifests = one.manifest(a), two.manifest(b)
    if manifests[0] is None or manifests[1] is None:
        return found
    made = [manifest["outputs"]["metrics"] for manifest in manifests if manifest]
    files = [item["path"] for item in made]
    for side, item in zip((one, two), made, strict=True):
        side.require_made(item)
    if one.place.has(files[0]) and two.place.has(files[1]):
        old, new = read_json(one.place, files[0]), read_json(two.place, files[1])
        found["values"] = {
            name: [old.get(name), new.get(name)]
            for name in {**old, **new}
            if name == "auroc" or old.get(name) != new.get(name)
        }
    scored = [layout.parse(m["inputs"]["scores"]["path"]) for m in manifests if m]
    steps = [layout.manifest(*step) for step in scored if step is not None]
    return {**found, "ranks": _ranks(one, steps[0], two, steps[1])}


def _ranks(one: Side, a: str, two: Side, b: str) -> dict[str, Any] | None:
    """Movement between the scores of two steps; None where one's are not here or both are equal."""
    manifests = one.manifest(a), two.manifest(b)
    if manifests[0] is None or manifests[1] is None:
        return None
    old, new = (manifest["outputs"]["scores"] for manifest in manifests if manifest)
    here = one.place.has(old["path"]) and two.place.has(new["path"])
    if not here or old["sha256"] == new["sha256"]:
        return None
    for side, item in ((one, old), (two, new)):
        side.require_made(item)
    left, right = (
        read_parquet(side.place, item["path"], COLUMNS) for side, item in ((one, old), (two, new))
    )
    return asdict(movement(left, right))
