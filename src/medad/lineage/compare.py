"""Two results compared: whether they are the same, why not, and what follows from it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import Any

from medad import layout
from medad.errors import MedadError
from medad.lineage.consequences import of_artifact, of_cell
from medad.lineage.differences import Cause
from medad.lineage.explanation import explain
from medad.lineage.frontier import Side, Walk, circumstances
from medad.lineage.same_cell import cell_causes, is_same_cell
from medad.lineage.targets import Target


def compare(a: Target, b: Target) -> dict[str, Any]:
    """``same``; ``causes``: the first differences; ``context``: what differs and changed no byte
    of it; ``consequences``: the numbers, and of scores how the ranking moved."""
    one, two = Side("A", a.place), Side("B", b.place)
    whole = Walk(one, two, to_the_end=True)
    whole.visit(a.manifest, b.manifest)
    contents: list[Any] = [_content(side, target) for side, target in ((one, a), (two, b))]
    if a.cell is not None and b.cell is not None:
        same, causes = is_same_cell(one, a, two, b), cell_causes(one, a, two, b)
        contents = [a.cell[1]["value"], b.cell[1]["value"]]
    else:
        same, walk = contents[0] == contents[1], Walk(one, two)
        walk.visit(a.manifest, b.manifest)
        causes = walk.causes
    found = [] if same else explain(causes or [_untold(b)])
    context = explain([*whole.causes, *_circumstances(one, a, two, b)])
    said = {(item.sort, item.what) for item in found}
    of = of_cell if a.cell is not None and b.cell is not None else of_artifact
    return {
        "a": a.label,
        "b": b.label,
        "same": same,
        "content": contents,
        "causes": [asdict(item) for item in found],
        "context": [asdict(item) for item in context if (item.sort, item.what) not in said],
        "consequences": {} if same else of(one, a, two, b),
    }


def _content(side: Side, target: Target) -> dict[str, str]:
    """Output -> sha256 of a target, of a cell all of its table's; MedadError where a file is not
    what its manifest says."""
    manifest = side.manifest(target.manifest)
    if manifest is None:
        raise MedadError(f"{target.label}: no manifest there")
    every = target.cell is not None or target.path.endswith(layout.MANIFEST)
    chosen = {
        name: item
        for name, item in manifest["outputs"].items()
        if every or item["path"] == target.path
    }
    for item in chosen.values():
        side.require_made(item)
    return {name: str(item["sha256"]) for name, item in chosen.items()}


def _untold(b: Target) -> Cause:
    text = "the bytes differ and nothing that was recorded does"
    return Cause("unknown", text, None, None, b.step[0], b.manifest)


def _circumstances(one: Side, a: Target, two: Side, b: Target) -> Iterator[Cause]:
    """Libraries, machines and commits of all that A and B rest on, and what no record tells."""
    old, new = (_recorded(side, target.manifest) for side, target in ((one, a), (two, b)))
    for sort, name in sorted({*old, *new}):
        before, after = old.get((sort, name), set()), new.get((sort, name), set())
        if before != after:
            yield Cause(sort, name, _joined(before), _joined(after), "", b.manifest)


def _recorded(side: Side, path: str) -> dict[tuple[str, str], set[str]]:
    found: dict[tuple[str, str], set[str]] = {}
    for manifest in side.up(path):
        records = side.records(str(manifest["key"]))
        for item in records:
            commit = item["repository"]["commit"] or "none"
            told = {**circumstances(item), ("commit", "of the project"): commit}
            for name, value in told.items():
                if name[1] != "device" or item["action"] == "computed":
                    found.setdefault(name, set()).add(value)
        if not records:
            missing = f"{manifest['kind']} {_short(manifest['identity'])}"
            found.setdefault(("record", "missing"), set()).add(missing)
    return found


def _short(identity: dict[str, Any]) -> str:
    return "/".join(str(value) for value in identity.values())


def _joined(values: Iterable[str]) -> str | None:
    return ", ".join(sorted(values)) or None
