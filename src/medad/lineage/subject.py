"""What an audit is of: a cell, a run or an artifact, and the steps it rests on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from medad import layout
from medad.errors import MedadError
from medad.lineage import cells, evidence, number
from medad.lineage.graph import Graph, Node


@dataclass(frozen=True)
class Subject:
    """What is audited.

    ``name``: of the cell or run, None for any other artifact. ``nodes``: every step it rests on,
    each once. ``runs``: those of them that are its metrics. ``table``: the table it is read from.
    """

    target: str
    name: str | None
    number: dict[str, Any] | None
    nodes: list[Node]
    runs: list[Node]
    table: Node | None


def of_cell(
    root: Path, table: str, row: str, column: str, dataset: str | None, split: str | None
) -> Subject:
    """One cell. Of its table nothing else is read: neither other rows nor their ancestry."""
    graph, node = Graph(root), _table(root, table)
    name, found = cells.find(evidence.output(root, node, "cells"), row, column, dataset, split)
    inputs = {key: item["path"] for key, item in node.manifest["inputs"].items()}
    absent = [key for key in [*found["metrics"], found["intervals"]] if key not in inputs]
    if absent:
        raise MedadError(
            f"{node.path}: no input {absent[0]}, on which {name} rests; make the table again"
        )
    known: dict[str, Node] = {}
    runs = [graph.node(graph.manifest_of(inputs[key]), known) for key in found["metrics"]]
    intervals = graph.alone(graph.manifest_of(inputs[found["intervals"]]))
    return Subject(
        target=table,
        name=name,
        number=number.of_cell(root, node, intervals, name, found),
        nodes=[node, *_ancestry(runs), intervals],
        runs=runs,
        table=node,
    )


def of_run(root: Path, name: str, table: str | None) -> Subject:
    """One run, ``dataset/split/method/k4/r0``, as such or as a part of a table."""
    path = f"results/metrics/{name}.json"
    made = layout.parse(path)
    if made is None or made[0] != "metrics":
        raise MedadError(
            f"--run: got {name!r}; write DATASET/SPLIT/METHOD/kK/rR, such as "
            "phantom/grouped/consult/k4/r0"
        )
    above = _table(root, table) if table else None
    if above and path not in {item["path"] for item in above.manifest["inputs"].values()}:
        raise MedadError(f"--run {name}: {table} does not rest on it; leave the table out")
    node = Graph(root).of_file(path)
    return Subject(
        target=path,
        name=name,
        number=number.of_run(root, node),
        nodes=[*([above] if above else []), *node.up()],
        runs=[node],
        table=above,
    )


def of_artifact(root: Path, path: str) -> Subject:
    """Any artifact, with all that it rests on."""
    node = Graph(root).of_file(path)
    return Subject(
        target=path,
        name=None,
        number=None,
        nodes=list(node.up()),
        runs=[node] if node.kind == "metrics" else [],
        table=None,
    )


def _table(root: Path, path: str) -> Node:
    graph = Graph(root)
    node = graph.alone(graph.manifest_of(path))
    if node.kind != "table":
        raise MedadError(
            f"{path}: not a table of AUROCs; audit it without --row, --column and --run"
        )
    return node


def _ancestry(nodes: list[Node]) -> list[Node]:
    found: dict[str, Node] = {}
    for node in nodes:
        found.update({above.path: above for above in node.up()})
    return list(found.values())
