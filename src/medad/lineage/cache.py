"""What lies in DVC's cache and in .prov, and what of it nothing rests on.

A file is kept by a result that is here, by a lock file of DVC, or by history: a step that was once
computed can be restored while the index knows its key. What none of them names is an orphan.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from medad.errors import MedadError
from medad.lineage import dvc_locks, manifest
from medad.lineage.graph import Graph
from medad.lineage.runner import CACHE, PARTIAL, cache_name
from medad.lineage.store import Store

Kept = Literal["present", "committed", "history", "orphan"]
KEPT: tuple[Kept, ...] = ("present", "committed", "history", "orphan")
_BLOB = re.compile(r"[0-9a-f]{30}(\.dir)?")
_PART = re.compile(r"[0-9a-f]{30}\.\d+")  # what the store writes before it renames


@dataclass(frozen=True)
class Item:
    """One thing that could be removed: what it is, what keeps it, and its size in bytes."""

    what: Literal["object", "index entry", "feature cache", "partial", "temporary"]
    path: Path
    kept: Kept
    bytes: int


def items(root: Path) -> list[Item]:
    """Everything, each with the strongest of what keeps it.

    MedadError for a damaged manifest or lock file: what it rests on would not be known.
    """
    store = Store(root)
    graph = Graph(root)
    manifests = [graph.alone(path).manifest for path in graph.paths]
    index = dict(_index(store))
    present = _rested_on(manifests, index)
    tips = dvc_locks.with_members(store.objects, dvc_locks.named_now(root))
    past = dvc_locks.with_members(store.objects, dvc_locks.named_ever(root))
    objects = _sets(index, present, tips, past, store)
    return [
        *_objects(store, objects),
        *_entries(store, index, present, tips, objects["history"]),
        *_features(root, index, present),
        *_partials(root, index),
        *(_item("temporary", path, "orphan") for path in sorted(store.temporary.glob("*"))),
    ]


def removable(found: Iterable[Item], *, history: bool) -> list[Item]:
    """What nothing rests on; with ``history``, also what only could be restored or resumed."""
    wanted = ("orphan", "history") if history else ("orphan",)
    # Entries go before their objects: a kill in between leaves objects that the next time finds.
    order = ("index entry", "partial", "temporary", "feature cache", "object")
    chosen = [item for item in found if item.kept in wanted]
    return sorted(chosen, key=lambda item: (order.index(item.what), item.path))


def remove(found: Iterable[Item]) -> None:
    """Delete these, and the folders of objects that this leaves empty."""
    for item in found:
        if item.path.is_dir() and not item.path.is_symlink():
            shutil.rmtree(item.path)
        else:
            item.path.unlink(missing_ok=True)
        if item.what == "object" and not any(item.path.parent.iterdir()):
            item.path.parent.rmdir()


def is_shared(root: Path) -> bool:
    """Whether DVC's cache lies outside the project, where other projects may rest on it."""
    return not Store(root).objects.resolve().is_relative_to(root.resolve())


def _index(store: Store) -> Iterator[tuple[str, dict[str, Any]]]:
    """Key -> manifest of every entry that is whole; a damaged one restores nothing."""
    for path in sorted(store.index.glob("*.json")):
        try:
            found = manifest.read(path)
        except MedadError:
            continue
        if found["key"] == path.stem:
            yield path.stem, found


def _rested_on(
    manifests: Iterable[dict[str, Any]], index: dict[str, dict[str, Any]]
) -> dict[str, dict[str, Any]]:
    """Key -> manifest of the steps that lie here, and of those above them that only the index has:
    a result may have been pruned, or made again, while another still rests on it."""
    makers: dict[str, list[str]] = {}
    for key, found in index.items():
        for output in found["outputs"].values():
            makers.setdefault(output["sha256"], []).append(key)
    rested = {found["key"]: found for found in manifests}
    pending = list(rested.values())
    while pending:
        for item in pending.pop()["inputs"].values():
            for key in makers.get(item["sha256"], ()):
                if key not in rested:
                    rested[key] = index[key]
                    pending.append(index[key])
    return rested


def _outputs(manifests: Iterable[dict[str, Any]]) -> set[str]:
    return {item["md5"] for found in manifests for item in found["outputs"].values()}


def _sets(
    index: dict[str, dict[str, Any]],
    present: dict[str, dict[str, Any]],
    tips: set[str],
    past: set[str],
    store: Store,
) -> dict[Kept, set[str]]:
    """Objects by what keeps them. An entry that lost an object restores nothing, so keeps none."""
    whole = [
        found
        for found in index.values()
        if all(store.blob(md5).is_file() for md5 in _outputs([found]))
    ]
    return {
        "present": _outputs(present.values()),
        "committed": tips,
        "history": past | _outputs(whole),
    }


def _objects(store: Store, kept: dict[Kept, set[str]]) -> Iterator[Item]:
    for path in sorted(store.objects.glob("[0-9a-f][0-9a-f]/*")):
        if _BLOB.fullmatch(path.name):
            yield _item("object", path, _of(path.parent.name + path.name, kept))
        elif _PART.fullmatch(path.name):
            yield _item("temporary", path, "orphan")


def _of(name: str, kept: dict[Kept, set[str]]) -> Kept:
    return next((one for one, names in kept.items() if name in names), "orphan")


def _entries(
    store: Store,
    index: dict[str, dict[str, Any]],
    present: dict[str, dict[str, Any]],
    tips: set[str],
    history: set[str],
) -> Iterator[Item]:
    for path in sorted(store.index.glob("*.json")):
        found = index.get(path.stem)
        outputs = set() if found is None else _outputs([found])
        if found is None:
            kept: Kept = "orphan"
        elif path.stem in present:
            kept = "present"
        elif outputs <= tips:
            kept = "committed"
        else:
            kept = "history" if outputs <= history else "orphan"
        yield _item("index entry", path, kept)


def _features(
    root: Path, index: dict[str, dict[str, Any]], present: dict[str, dict[str, Any]]
) -> Iterator[Item]:
    """Caches of features can be made again; those of code that made what is kept save time."""
    kept: dict[Kept, set[str]] = {
        "present": {cache_name(found["code"]) for found in present.values()},
        "history": {cache_name(found["code"]) for found in index.values()},
    }
    for path in sorted((root / CACHE).glob("*")):
        yield _item("feature cache", path, _of(path.name, kept))


def _partials(root: Path, index: dict[str, dict[str, Any]]) -> Iterator[Item]:
    """States of steps that were stopped: they save time until the step is finished."""
    for path in sorted((root / PARTIAL).glob("*")):
        yield _item("partial", path, "orphan" if path.name in index else "history")


def _item(what: Any, path: Path, kept: Kept) -> Item:
    files = [one for one in path.rglob("*") if one.is_file()] if path.is_dir() else [path]
    return Item(what, path, kept, sum(one.stat().st_size for one in files))
