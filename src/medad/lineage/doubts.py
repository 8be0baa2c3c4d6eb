"""What is known to leak or to be contested about a number, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from medad.lineage import evidence, manifest
from medad.lineage.graph import Node
from medad.lineage.subject import Subject
from medad.shot_counts import text


def contested(root: Path, nodes: Sequence[Node]) -> list[dict[str, Any]]:
    """Policy and leakage report of every split in use."""
    return [
        {
            "split": node.manifest["outputs"]["leakage"]["path"],
            "policy": node.manifest["params"]["policy"],
            "leakage": evidence.json_of(root, node, "leakage"),
        }
        for node in nodes
        if node.kind == "split"
    ]


def doubts(root: Path, subject: Subject, report: Mapping[str, Any]) -> list[dict[str, str]]:
    """``about`` and ``says`` of each; ``report`` is what the audit has found so far."""
    pairs = [
        *(("split", text) for item in report["contested"] for text in _split(item)),
        *(("copies", text) for run in report["runs"] for text in _copies(run)),
        *(("data", text) for text in _skipped(root, subject.nodes)),
        *(("method", text) for text in _methods(subject)),
        *(("row", text) for text in _row(subject.number or {})),
        *(("chain", text) for text in _chain(subject.nodes)),
        *(("computation", text) for text in _computation(report)),
    ]
    notes = subject.table.manifest["params"].get("notes", []) if subject.table else []
    pairs += [("paper", note) for note in notes]
    return [{"about": about, "says": says} for about, says in pairs]


def _split(item: Mapping[str, Any]) -> Iterator[str]:
    found = item["leakage"]
    yield f"policy {item['policy']}: {item['split']}"
    within = [f"{role} {c['groups']} ({c['images']} images)" for role, c in found["within"].items()]
    yield f"groups of copies within: {', '.join(within)}"
    across = [f"{roles} {count}" for roles, count in found["across"].items()]
    yield f"groups of copies across: {', '.join(across)}"
    members = {entry["group"]: entry["paths"] for entry in found["repeated"]}
    conflicts = ["; ".join(members[group]) for group in found["conflicting"]]
    yield f"groups of copies with both labels: {len(conflicts)}"
    yield from (f"both labels: {paths}" for paths in conflicts)


def _copies(run: Mapping[str, Any]) -> Iterator[str]:
    at = run["identity"]
    for role, paths in run["copies"].items():
        if paths:
            yield (
                f"K {text(at['k'])}, replicate {at['r']}: {len(paths)} {role} images are copies "
                f"of its own shots: {'; '.join(paths)}"
            )


def _skipped(root: Path, nodes: Sequence[Node]) -> Iterator[str]:
    for node in nodes:
        if node.kind == "index" and node.manifest["params"]["on_bad"] == "skip":
            dataset = node.manifest["identity"]["dataset"]
            for row in evidence.csv_of(root, node, "skipped"):
                yield f"left out of {dataset}: {row['path']}: {row['reason']}"


def _methods(subject: Subject) -> Iterator[str]:
    for node in subject.nodes:
        if node.kind == "pairs" and node.manifest["params"]["source"] == "test":
            yield f"{node.path}: trained on test images and their labels, by design; no test result"
    if subject.table is None:
        return
    standings = subject.table.manifest["params"]["standings"]
    for method in dict.fromkeys(node.manifest["identity"]["method"] for node in subject.runs):
        standing, because = standings[method]
        yield f"{method} is {standing}" + (f": {because}" if because else "")


def _row(number: Mapping[str, Any]) -> Iterator[str]:
    if number.get("row_label") == "inferred":
        yield "the paper does not name this row; its label is inferred and never compared"
    published = number.get("published", [])
    if len(published) > 1:
        yield f"the paper prints {' and '.join(str(value) for value in published)}"


def _chain(nodes: Sequence[Node]) -> Iterator[str]:
    """Inputs that are no longer what the step above makes: a mixture of versions."""
    made = {
        item["path"]: item["sha256"] for node in nodes for item in node.manifest["outputs"].values()
    }
    for node in nodes:
        for item in node.manifest["inputs"].values():
            if made.get(item["path"], item["sha256"]) != item["sha256"]:
                yield f"{node.path}: {item['path']} was made again since it was read"
        if not manifest.consistent(node.manifest):
            yield f"{node.path}: its key is not that of its own content"


def _computation(report: Mapping[str, Any]) -> Iterator[str]:
    for name in report["mixed"]:
        yield f"computed with different {name}; the records say which step with which"
    if report["unseen"]:
        yield f"{len(report['unseen'])} steps were only ever restored here: {report['unseen'][0]}"
    for name in report["code"]["several"]:
        yield f"{name}: its steps were made with several versions of it"
