"""Everything one number rests on, collected from manifests and records."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from medad import layout
from medad.lineage import attempts, draws, subject, tracked
from medad.lineage.doubts import contested, doubts
from medad.lineage.graph import Node
from medad.lineage.readings import readings
from medad.lineage.subject import Subject

_REPORTS = ("intervals", "table", "figure")  # they read much, and only what steps make


def cell(
    root: Path, table: str, row: str, column: str, dataset: str | None, split: str | None
) -> dict[str, Any]:
    """Audit of one cell of a table."""
    return report(root, subject.of_cell(root, table, row, column, dataset, split))


def artifact(root: Path, path: str) -> dict[str, Any]:
    """Audit of any artifact: all that it rests on."""
    return report(root, subject.of_artifact(root, path))


def report(root: Path, audited: Subject) -> dict[str, Any]:
    """What an audit says, ready for JSON.

    MedadError for a manifest, a record or a file to read that is missing or damaged.
    """
    nodes = audited.nodes
    params: dict[str, Any] = {}
    for node in nodes:
        params.setdefault(node.kind, node.manifest["params"])
    runs = [draws.run(root, node) for node in audited.runs]
    found: dict[str, Any] = {
        "target": audited.target,
        **({} if audited.name is None else {"cell": audited.name}),
        "number": audited.number,
        "runs": runs,
        "steps": len(nodes),
        "images": draws.images_of(runs) if runs else draws.images(root, nodes),
        "code": attempts.code(nodes),
        "parameters": params,
        "readings": [
            {**asdict(reading), "open": reading.open} for reading in readings(root, nodes)
        ],
        "weights": list(_weights(nodes)),
        "sources": _sources(nodes),
        **attempts.report(root, nodes),
        **tracked.report(root, nodes),
        "contested": contested(root, nodes),
    }
    return {**found, "doubts": doubts(root, audited, found)}


def _weights(nodes: list[Node]) -> Iterator[dict[str, Any]]:
    """Weights that are not trained here, and where they come from."""
    for node in nodes:
        if node.kind == "weights":
            params = node.manifest["params"]
            yield {
                "params": params,
                "output": node.manifest["outputs"]["weights"],
                "source": node.manifest["inputs"],
                "from": _origin(params, node.manifest["seeds"]),
            }


def _origin(params: dict[str, Any], seeds: dict[str, int]) -> str:
    match params["weights"]:
        case "random":
            return "drawn by " + ", ".join(f"seed {seed}" for seed in seeds.values())
        case "imagenet":
            from medad.backbones.published import published

            return published(params["name"]).url
    return f"{params['file']}, pinned by sha256 {params['sha256']}"


def _sources(nodes: list[Node]) -> dict[str, str]:
    """Path -> sha256 of what no step makes: listings of raw data, files of weights."""
    return {
        item["path"]: item["sha256"]
        for node in nodes
        if node.kind not in _REPORTS
        for item in node.manifest["inputs"].values()
        if layout.parse(item["path"]) is None
    }
