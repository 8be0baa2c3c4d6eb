"""Everything one number rests on, collected from manifests and records."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from medad.errors import MedadError
from medad.files import read_csv, read_json, read_parquet, sha256
from medad.lineage import cells, manifest, record
from medad.lineage.closure import PACKAGE
from medad.lineage.graph import Graph, Node
from medad.tracking import STATE


def cell(
    root: Path, table: str, row: str, column: str, dataset: str | None, split: str | None
) -> dict[str, Any]:
    """Audit of one cell of a table."""
    graph = Graph(root)
    node = graph.of_file(table)
    if node.kind != "table":
        raise MedadError(f"{table}: not a table; audit it without --row and --column")
    map_file = root / node.manifest["outputs"]["cells"]["path"]
    name, found = cells.find(map_file, row, column, dataset, split)
    inputs = {n: item["path"] for n, item in node.manifest["inputs"].items()}
    wanted = [inputs[n] for n in [*found["metrics"], found["intervals"]]]
    known: dict[str, Node] = {}
    nodes = [graph.node(str(manifest.beside(path)), known) for path in wanted]
    report = _report(root, [node, *_ancestry(nodes[:-1]), nodes[-1]])
    runs = [_run(root, one) for one in nodes[:-1]]
    return {"target": table, "cell": name, "number": found, "runs": runs, **report}


def artifact(root: Path, path: str) -> dict[str, Any]:
    """Audit of any artifact: all that it rests on."""
    node = Graph(root).of_file(path)
    return {"target": path, "number": None, "runs": [], **_report(root, list(node.up()))}


def _ancestry(nodes: Iterable[Node]) -> list[Node]:
    found: dict[str, Node] = {}
    for node in nodes:
        found.update({above.path: above for above in node.up()})
    return list(found.values())


def _run(root: Path, metrics: Node) -> dict[str, Any]:
    """One replicate: the artifacts between its images and its number."""
    ancestry = {node.kind: node for node in metrics.up()}
    # Frozen detectors have no stage 1 and no pairs; they use the published weights.
    artifacts = {
        kind: {item["path"]: item["sha256"] for item in node.manifest["outputs"].values()}
        for kind, node in ancestry.items()
    }
    shots = next(iter(ancestry["shots"].manifest["outputs"].values()))
    scores = ancestry["score"].manifest["outputs"]["scores"]
    draw = read_csv(root / shots["path"])
    scored = read_parquet(root / scores["path"])
    return {
        "identity": metrics.manifest["identity"],
        "values": read_json(root / metrics.manifest["outputs"]["metrics"]["path"]),
        "draw": [{"path": item["path"], "sha256": item["sha256"]} for item in draw],
        "scored": [
            {"path": p, "sha256": h, "role": role, "label": label}
            for p, h, role, label in zip(
                scored["path"], scored["sha256"], scored["role"], scored["label"], strict=True
            )
        ],
        "artifacts": artifacts,
        "seeds": {kind: node.manifest["seeds"] for kind, node in ancestry.items()},
    }


def _report(root: Path, nodes: list[Node]) -> dict[str, Any]:
    code: dict[str, str] = {}
    params: dict[str, Any] = {}
    for node in nodes:
        code.update(node.manifest["code"])
        params.setdefault(node.kind, node.manifest["params"])
    records = [found for node in nodes for found in record.of_key(root, node.manifest["key"])]
    tracked = read_json(root / STATE)["runs"] if (root / STATE).exists() else {}
    return {
        "steps": len(nodes),
        "images": _images(root, nodes),
        "code": {"modules": dict(sorted(code.items())), "changed_since": _changed(code)},
        "commits": _distinct(found["repository"] for found in records),
        "parameters": params,
        "weights": _weights(nodes),
        "libraries": _distinct(found["libraries"] for found in records),
        "machines": _distinct(found["machine"] for found in records),
        "records": {
            "computed": sum(found["action"] == "computed" for found in records),
            "restored": sum(found["action"] == "restored" for found in records),
            "compute_s": round(sum(found["compute_s"] for found in records), 2),
            "peak_memory_mib": max((found["peak_memory_mib"] for found in records), default=None),
            "first": min((found["started"] for found in records), default=None),
            "last": max((found["started"] for found in records), default=None),
        },
        "mlflow": {
            node.path: tracked[node.manifest["key"]]
            for node in nodes
            if node.manifest["key"] in tracked
        },
        "contested": _contested(root, nodes),
    }


def _images(root: Path, nodes: list[Node]) -> dict[str, Any]:
    """Shots and scored images by sha256, over all runs."""
    shots: set[str] = set()
    scored: dict[str, set[str]] = {"test": set(), "validation": set()}
    for node in nodes:
        if node.kind == "shots":
            path = root / node.manifest["outputs"]["shots"]["path"]
            shots.update(row["sha256"] for row in read_csv(path))
        if node.kind == "score":
            rows = read_parquet(root / node.manifest["outputs"]["scores"]["path"])
            for digest, role in zip(rows["sha256"], rows["role"], strict=True):
                scored[role].add(digest)
    return {
        "shots": sorted(shots),
        "test": sorted(scored["test"]),
        "validation": sorted(scored["validation"]),
    }


def _changed(code: dict[str, str]) -> list[str]:
    """Modules whose source is no longer what the number was computed with."""
    return sorted(
        name
        for name, known in code.items()
        if not (PACKAGE / name).is_file() or sha256(PACKAGE / name) != known
    )


def _weights(nodes: list[Node]) -> list[dict[str, Any]]:
    return [
        {
            "params": node.manifest["params"],
            "output": node.manifest["outputs"]["weights"],
            "source": node.manifest["inputs"],
        }
        for node in nodes
        if node.kind == "weights"
    ]


def _contested(root: Path, nodes: list[Node]) -> list[dict[str, Any]]:
    """Leakage reports of the splits in use: what is known to leak or to be doubtful."""
    found = []
    for node in nodes:
        if node.kind == "split":
            path = node.manifest["outputs"]["leakage"]["path"]
            found.append({"split": path, "leakage": read_json(root / path)})
    return found


def _distinct(values: Iterable[Any]) -> list[Any]:
    seen: dict[str, Any] = {}
    for value in values:
        seen.setdefault(str(value), value)
    return list(seen.values())
