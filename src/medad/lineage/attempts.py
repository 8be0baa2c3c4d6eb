"""When, where and by which code steps were made, from their records."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from medad.files import sha256
from medad.lineage import evidence
from medad.lineage.closure import PACKAGE
from medad.lineage.graph import Node


def report(root: Path, nodes: list[Node]) -> dict[str, Any]:
    """Commits, libraries, machines and times over all steps.

    ``commits``, ``libraries`` and ``machines`` are of every attempt; ``mixed`` names those that
    differ between the computations, where a restored step counts by the attempt that computed it.
    """
    records = {node.path: evidence.records(root, node) for node in nodes}
    every = [found for of_step in records.values() for found in of_step]
    computed = [found for found in every if found["action"] == "computed"]
    return {
        "commits": distinct(found["repository"] for found in every),
        "libraries": distinct(found["libraries"] for found in every),
        "machines": distinct(found["machine"] for found in every),
        "mixed": [
            name
            for name, field in (("libraries", "libraries"), ("machines", "machine"))
            if len(distinct(found[field] for found in computed)) > 1
        ],
        "unseen": [
            path
            for path, of_step in records.items()
            if all(found["action"] != "computed" for found in of_step)
        ],
        "records": {
            **_times(every),
            "by_kind": {
                kind: _times([found for found in every if found["kind"] == kind])
                for kind in dict.fromkeys(found["kind"] for found in every)
            },
        },
    }


def code(nodes: Iterable[Node]) -> dict[str, Any]:
    """Modules with the sha256 of their source, those changed since, those of several versions."""
    versions: dict[str, set[str]] = {}
    latest: dict[str, str] = {}
    for node in nodes:
        for name, digest in node.manifest["code"].items():
            versions.setdefault(name, set()).add(digest)
            latest[name] = digest
    return {
        "modules": dict(sorted(latest.items())),
        "changed_since": sorted(n for n, known in versions.items() if known != {_now(n)}),
        "several": {n: sorted(known) for n, known in sorted(versions.items()) if len(known) > 1},
    }


def distinct(values: Iterable[Any]) -> list[Any]:
    """Each value once, in the order in which they come."""
    seen: dict[str, Any] = {}
    for value in values:
        seen.setdefault(str(value), value)
    return list(seen.values())


def _now(module: str) -> str | None:
    """sha256 of a module's present source; None where there is none any more."""
    path = PACKAGE / module
    return sha256(path) if path.is_file() else None


def _times(records: list[dict[str, Any]]) -> dict[str, Any]:
    """Counts, seconds, MiB, and the first and last start in seconds since 1970."""
    return {
        "computed": sum(found["action"] == "computed" for found in records),
        "restored": sum(found["action"] == "restored" for found in records),
        "compute_s": round(sum(found["compute_s"] for found in records), 2),
        "wall_s": round(sum(found["wall_s"] for found in records), 2),
        "peak_memory_mib": max(found["peak_memory_mib"] for found in records),
        "first": min(found["started"] for found in records),
        "last": max(found["started"] for found in records),
    }
