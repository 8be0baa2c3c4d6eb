"""Results that the configuration no longer asks for, and that nothing it asks for rests on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from medad import layout
from medad.files import sha256
from medad.lineage import manifest, record, views
from medad.lineage.graph import Graph, Node
from medad.lineage.store import Store
from medad.plan import Plan

# History, and what follows the tables by itself or was asked for by hand.
KEPT = tuple(f"{folder}/" for folder in (record.FOLDER, *views.EVERY))


@dataclass(frozen=True)
class Orphans:
    """``paths``: files that can go, for the store restores them. ``kept``: path -> why it stays,
    although the configuration does not ask for it."""

    paths: list[str]
    kept: dict[str, str]


def orphans(plan: Plan) -> Orphans:
    """Files of whole steps that nothing rests on.

    A table that is asked for and lies here keeps all that it was made from, even when it would now
    be made from less. MedadError for a damaged manifest: what it rests on would not be known.
    """
    graph, root = Graph(plan.root), plan.root
    here = {path: graph.alone(path) for path in graph.paths}
    asked = set(plan.stage(tuple(layout.STEMS)))
    rested = _rested_on(here, asked & here.keys())
    gone: list[str] = []
    kept: dict[str, str] = {}
    for path, node in here.items():
        if path in rested:
            continue
        files = [path, *(str(item["path"]) for item in node.manifest["outputs"].values())]
        present = [file for file in files if (root / file).is_file()]
        why = _irreplaceable(root, node)
        if why:
            kept.update(dict.fromkeys(present, why))
        else:
            gone += present
    known = {str(i["path"]) for node in here.values() for i in node.manifest["outputs"].values()}
    for file in (p.relative_to(root).as_posix() for p in _files(root / "results")):
        if file not in known and file not in here and not file.startswith(KEPT):
            kept[file] = "no manifest names it"
    return Orphans(sorted(gone), dict(sorted(kept.items())))


def remove(root: Path, paths: list[str]) -> None:
    """Delete files, then the folders this leaves empty below a stage's own folder."""
    stages = root / "results"
    for path in paths:
        (root / path).unlink()
        for folder in (root / path).parents:
            if stages in (folder, folder.parent) or any(folder.iterdir()):
                break
            folder.rmdir()


def _rested_on(here: dict[str, Node], first: Iterable[str]) -> set[str]:
    """Manifests of these steps, and of all above them that are here."""
    pending = list(first)
    found = set(pending)
    while pending:
        for item in here[pending.pop()].manifest["inputs"].values():
            maker = manifest.beside(item["path"])
            if maker in here and maker not in found:
                found.add(maker)
                pending.append(maker)
    return found


def _irreplaceable(root: Path, node: Node) -> str:
    """Why the store could not restore the files of a step as they lie here; "" when it could."""
    store = Store(root)
    if not store.entry(node.manifest["key"]).is_file():
        return "the store does not know its step"
    for item in node.manifest["outputs"].values():
        file, blob = root / item["path"], store.blob(item["md5"])
        if not blob.is_file() or blob.stat().st_size != item["size"]:
            return "the store has no copy"
        if file.is_file() and sha256(file) != item["sha256"]:
            return f"{item['path']} changed since it was made"
    return ""


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]
