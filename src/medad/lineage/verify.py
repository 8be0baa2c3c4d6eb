"""Rehash everything, and name each number that rests on what has changed."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from medad import layout
from medad.data.images import open_bytes
from medad.errors import MedadError
from medad.files import digest, read_json, read_parquet, sha256
from medad.lineage import manifest, record
from medad.lineage.graph import Graph
from medad.lineage.runner import SETTINGS
from medad.lineage.store import Store

UNPUBLISHED = ".prov/unpublished.json"  # outputs that an adopted publication leaves out, by hash


@dataclass(frozen=True)
class Finding:
    """One problem: the file, what is wrong, and the manifests of the numbers that rest on it."""

    path: str
    problem: str
    affected: tuple[str, ...]


def verify(root: Path) -> tuple[list[Finding], list[str]]:
    """(findings, notes). A note is a fact that is no fault: data or weights known by hash only."""
    graph = Graph(root)
    problems: list[tuple[str, str, str | None]] = []  # path, problem, manifest it belongs to
    notes: list[str] = []
    manifests: dict[str, dict[str, Any]] = {}
    for path in graph.paths:
        try:
            found = manifest.read(root / path)
        except (MedadError, KeyError, TypeError):
            problems.append((path, "manifest changed since it was written", path))
            continue
        if not manifest.consistent(found):
            problems.append((path, "manifest's key is not that of its own content", path))
        manifests[path] = found
    with ThreadPoolExecutor() as pool:
        checked = pool.map(lambda task: _check_output(root, *task), _outputs(manifests))
        problems += [found for found in checked if found[1]]
    unpublished = root / UNPUBLISHED
    away = read_json(unpublished) if unpublished.is_file() else {}
    known = {o["path"] for _, o in _outputs(manifests) if away.get(o["path"]) == o["sha256"]}
    kept = [p for p in problems if p[1] != "missing" or p[0] not in known]
    if len(kept) < len(problems):
        count = len(problems) - len(kept)
        notes.append(f"{count} files were not published with the table; known by hash")
    problems = kept
    problems += _check_links(manifests)
    problems += _check_records(root, manifests)
    problems += _check_index(root, manifests)
    for path, found in manifests.items():
        if found["kind"] == "index":
            images, note = _check_images(root, found)
            problems += [(name, fault, path) for name, fault in images]
            notes += note
        for item in found["inputs"].values():
            if layout.parse(item["path"]) is None:
                problems += _check_source(root, path, item, notes)
    children = _children(manifests)
    return [Finding(p, fault, _numbers(owner, children)) for p, fault, owner in problems], notes


def _outputs(manifests: dict[str, dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, found in manifests.items():
        for item in found["outputs"].values():
            yield path, item


def _check_output(root: Path, owner: str, item: dict[str, Any]) -> tuple[str, str, str]:
    path = root / item["path"]
    if not path.is_file():
        return item["path"], "missing", owner
    found = digest(path)
    same = (found.sha256, found.md5, found.size) == (item["sha256"], item["md5"], item["size"])
    return item["path"], "" if same else "changed since it was made", owner


def _check_links(manifests: dict[str, dict[str, Any]]) -> Iterator[tuple[str, str, str]]:
    """What a step says it read must be what the step before says it made."""
    for path, found in manifests.items():
        for item in found["inputs"].values():
            made = layout.parse(item["path"])
            producer = manifests.get(layout.manifest(*made)) if made else None
            if producer is None:
                continue
            outputs = {o["path"]: o["sha256"] for o in producer["outputs"].values()}
            if outputs.get(item["path"]) != item["sha256"]:
                yield path, f"was made from another version of {item['path']}", path


def _check_records(
    root: Path, manifests: dict[str, dict[str, Any]]
) -> Iterator[tuple[str, str, str | None]]:
    owners = {found["key"]: path for path, found in manifests.items()}
    recorded = set()
    for file in record.every(root):
        name = file.relative_to(root).as_posix()
        owner = owners.get(file.parent.name)
        try:
            found = manifest.read(file)
        except (MedadError, KeyError, TypeError):
            yield name, "record changed since it was written", owner
            continue
        recorded.add(found["key"])
        if found["key"] != file.parent.name:
            yield name, "record of another step", owner
    for key, path in owners.items():
        if key not in recorded:
            yield path, "no record says where and when this was computed", path


def _check_index(
    root: Path, manifests: dict[str, dict[str, Any]]
) -> Iterator[tuple[str, str, str | None]]:
    """Stored manifests must be those of the results they would restore."""
    store = Store(root)
    for path, found in manifests.items():
        entry = store.entry(found["key"])
        if not entry.exists():
            continue
        name = entry.relative_to(root).as_posix()
        try:
            if manifest.read(entry)["digest"] != found["digest"]:
                yield name, "stored manifest differs from the result's", path
        except (MedadError, KeyError, TypeError):
            yield name, "stored manifest changed since it was written", path


def _check_images(root: Path, index: dict[str, Any]) -> tuple[list[tuple[str, str]], list[str]]:
    dataset = str(index["identity"]["dataset"])
    file = root / index["outputs"]["index"]["path"]
    settings = root / SETTINGS
    place = read_json(settings)["locations"].get(dataset) if settings.exists() else None
    generated = layout.output("phantom", index["identity"], "images")
    if place is None and (root / generated).is_file():
        place = generated
    if place is None or not (root / place).exists():
        return [], [f"{dataset}: images are not here; they are known by hash"]
    try:
        rows = read_parquet(file)
    except MedadError:
        return [], []  # reported as a changed output
    wanted = dict(zip(rows["path"], rows["sha256"], strict=True))
    masks = zip(rows["mask"], rows["mask_sha256"], strict=True)
    wanted.update({path: known for path, known in masks if path})

    def check(item: tuple[str, str]) -> tuple[str, str] | None:
        import hashlib

        path, known = item
        try:
            content = open_bytes(root / place, path.partition("#")[0])
        except MedadError as error:
            return f"{place}/{path}", str(error)
        same = hashlib.sha256(content).hexdigest() == known
        return None if same else (f"{place}/{path}", "changed since it was indexed")

    with ThreadPoolExecutor() as pool:
        return [found for found in pool.map(check, sorted(wanted.items())) if found], []


def _check_source(
    root: Path, owner: str, item: dict[str, Any], notes: list[str]
) -> list[tuple[str, str, str]]:
    path = root / item["path"]
    if not path.is_file():
        notes.append(f"{item['path']}: not here; known by hash {item['sha256'][:12]}")
        return []
    if sha256(path) != item["sha256"]:
        return [(item["path"], f"changed since {owner} was made", owner)]
    return []


def _children(manifests: dict[str, dict[str, Any]]) -> dict[str, list[str]]:
    children: dict[str, list[str]] = {}
    for path, found in manifests.items():
        for item in found["inputs"].values():
            made = layout.parse(item["path"])
            if made is not None:
                children.setdefault(layout.manifest(*made), []).append(path)
    return children


def _numbers(owner: str | None, children: dict[str, list[str]]) -> tuple[str, ...]:
    """Metrics, intervals and tables that rest on a step."""
    if owner is None:
        return ()
    pending, seen = [owner], {owner}
    while pending:
        for child in children.get(pending.pop(), []):
            if child not in seen:
                seen.add(child)
                pending.append(child)
    return tuple(sorted(p for p in seen if p.startswith(("results/metrics/", "results/tables/"))))
