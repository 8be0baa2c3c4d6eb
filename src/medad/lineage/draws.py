"""The images of a run: its shots, what it scored, and which of that are copies of its shots."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from medad.lineage import evidence
from medad.lineage.graph import Node

_SCORED = ["path", "sha256", "role", "label", "group"]


def run(root: Path, metrics: Node) -> dict[str, Any]:
    """One replicate: the images and artifacts between its images and its number."""
    # A diamond has one node of a kind above a run: every run rests on one draw.
    above = {node.kind: node for node in metrics.up()}
    shots = evidence.csv_of(root, above["shots"], "shots")
    columns = evidence.parquet_of(root, above["score"], "scores", _SCORED)
    scored = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    # Frozen detectors have no stage 1 and no pairs; they use the published weights.
    artifacts = {
        kind: {item["path"]: item["sha256"] for item in node.manifest["outputs"].values()}
        for kind, node in above.items()
    }
    return {
        "identity": metrics.manifest["identity"],
        "values": evidence.json_of(root, metrics, "metrics"),
        "draw": [{"path": item["path"], "sha256": item["sha256"]} for item in shots],
        "scored": [{key: item[key] for key in _SCORED[:4]} for item in scored],
        "counts": _counts(scored),
        "copies": _copies(shots, scored),
        "artifacts": artifacts,
        "seeds": {kind: node.manifest["seeds"] for kind, node in above.items()},
    }


def images_of(runs: Iterable[Mapping[str, Any]]) -> dict[str, list[str]]:
    """Shots and scored images by sha256, over all runs."""
    found: dict[str, set[str]] = {"shots": set(), "test": set(), "validation": set()}
    for one in runs:
        found["shots"].update(item["sha256"] for item in one["draw"])
        for item in one["scored"]:
            found[item["role"]].add(item["sha256"])
    return {role: sorted(digests) for role, digests in found.items()}


def images(root: Path, nodes: Iterable[Node]) -> dict[str, list[str]]:
    """The same for steps that are of no run, such as those of a head or of a figure."""
    found: dict[str, set[str]] = {"shots": set(), "test": set(), "validation": set()}
    for node in nodes:
        if node.kind == "shots":
            found["shots"].update(row["sha256"] for row in evidence.csv_of(root, node, "shots"))
        if node.kind == "score":
            rows = evidence.parquet_of(root, node, "scores", ["sha256", "role"])
            for digest, role in zip(rows["sha256"], rows["role"], strict=True):
                found[role].add(digest)
    return {role: sorted(digests) for role, digests in found.items()}


def _counts(scored: list[dict[str, Any]]) -> dict[str, dict[str, int]]:
    """Role -> healthy and anomalous images."""
    return {
        role: {
            word: sum(item["role"] == role and item["label"] == label for item in scored)
            for label, word in enumerate(("healthy", "anomalous"))
        }
        for role in ("test", "validation")
    }


def _copies(shots: list[dict[str, str]], scored: list[dict[str, Any]]) -> dict[str, list[str]]:
    """Role -> scored images in a leakage group of one of the shots."""
    groups = {int(row["group"]) for row in shots}
    return {
        role: [i["path"] for i in scored if i["role"] == role and i["group"] in groups]
        for role in ("test", "validation")
    }
