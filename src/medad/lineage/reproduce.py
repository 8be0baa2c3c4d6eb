"""Recompute a number in a clean worktree with an empty store, and compare bytes step by step."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from medad import layout
from medad.errors import MedadError
from medad.files import canonical_json, read_json, sha256, write_json
from medad.lineage import (
    cells,
    difference,
    environment,
    evidence,
    failure,
    givens,
    manifest,
    record,
)
from medad.lineage.graph import Graph, Node
from medad.lineage.locks import ENGINE
from medad.lineage.runner import SETTINGS
from medad.lineage.worktree import PRESENT, Sources, Worktree

KINDS = tuple(layout.STEMS)  # every kind after those that it reads from
# What is recomputed, by what it starts from; the rest is taken as it is, after a look at its hash.
STARTS: dict[str, tuple[str, ...]] = {
    "raw": KINDS,
    "scores": ("metrics", "intervals", "table", "figure"),
    "metrics": ("intervals", "table"),
}
Say = Callable[[str], None]


@dataclass(frozen=True)
class _Step:
    """One step to make again: where its code is from, and the device it ran on."""

    node: Node
    half: manifest.Half
    sources: Sources
    device: str

    @property
    def job(self) -> bytes:
        """Equal for steps that one process can make."""
        return canonical_json([asdict(self.half), self.sources.name, self.device])


def cell(
    root: Path,
    table: str,
    wanted: tuple[str, str, str | None, str | None],
    start: str,
    base: Path,
    say: Say,
) -> dict[str, Any]:
    """``artifact`` of all metrics behind a cell, and whether the cell's mean follows from them.

    ``wanted``: row, column, dataset and split, as ``cells.find`` takes them. ``number`` holds the
    value of the cell map and the one that the recomputed metrics give.
    """
    graph = Graph(root)
    node = graph.of_file(table)
    if node.kind != "table":
        raise MedadError(f"{table}: not a table; reproduce it without --row and --column")
    name, found = cells.find(evidence.output(root, node, "cells"), *wanted)
    evidence.output(root, node, "csv")  # where the user has read the number
    inputs = node.manifest["inputs"]
    foreign = [run for run in found["metrics"] if run not in inputs]
    if foreign:
        raise MedadError(f"{table}: its cell map names {foreign[0]}, which the table has not read")
    paths = {run: str(inputs[run]["path"]) for run in found["metrics"]}
    report = _reproduce(root, table, list(paths.values()), start, base, say)
    project = Worktree(root, base).project
    value = mean({run: read_json(project / path)["auroc"] for run, path in paths.items()})
    same = value == found["value"]
    number = {"recorded": found["value"], "recomputed": value, "same": same}
    return {**report, "cell": name, "number": number, "same": report["same"] and same}


def artifact(root: Path, path: str, start: str, base: Path, say: Say) -> dict[str, Any]:
    """Make again, below the empty folder ``base``, what an artifact rests on, and compare.

    The report: ``target``, ``cell`` and ``number`` (None), ``start``, ``same``, ``steps`` (each
    with ``step``, ``kind``, ``same``, ``inputs_same``, ``outputs`` and ``changed_here``, the files
    that lie here and are not those recorded; the whole is not ``same`` then), ``first`` (None, or
    the first output that differs: ``step``, ``output``, ``recorded``, ``recomputed``,
    ``recorded_is_here``, ``field`` (see ``difference.first``), ``inputs_same``), ``sources``
    (commit or "present" -> steps) and ``notes``. Raises MedadError when something needed is
    missing. Nothing of the project at ``root`` is changed.
    """
    return _reproduce(root, path, [path], start, base, say)


def mean(values: dict[str, float]) -> float:
    """A cell's value from its AUROCs, by "metrics/<dataset>/<split>/<method>/k4/r0".

    Over several K a draw's value is its mean over K, as tables have it.
    """
    draws: dict[str, list[float]] = {}
    for name, value in values.items():
        draws.setdefault(name.rpartition("/")[2], []).append(float(value))
    return fmean(fmean(draw) for draw in draws.values())


def _reproduce(
    root: Path, target: str, paths: Sequence[str], start: str, base: Path, say: Say
) -> dict[str, Any]:
    made = _made(root, paths, start)
    if not made:
        raise MedadError(
            f"{target}: --from {start} recomputes {', '.join(STARTS[start])} only; choose another "
            "start, or for a cell leave --row and --column out"
        )
    worktree = Worktree(root, base)
    steps, notes = _steps(root, worktree, made)
    worktree.begin()
    worktree.fill(steps[-1].sources)
    settings = givens.give(root, worktree.project, made)
    outcomes: list[dict[str, Any]] = []
    for job in _jobs(steps):
        _run(worktree.project, job, len(outcomes), settings)
        for step in job:
            outcomes.append(_compare(root, worktree.project, step.node))
            say(f"{_label(step.node)}: {_verdict(outcomes[-1])}")
    used = [step.sources.name for step in steps]
    return {
        "target": target,
        "cell": None,
        "number": None,
        "start": start,
        "same": all(outcome["same"] and not outcome["changed_here"] for outcome in outcomes),
        "steps": outcomes,
        "first": _first(root, worktree.project, outcomes),
        "sources": {name: used.count(name) for name in dict.fromkeys(used)},
        "notes": notes,
    }


def _made(root: Path, paths: Iterable[str], start: str) -> list[Node]:
    """Steps to make again, in topological order; MedadError for a manifest that contradicts itself.

    The path of a manifest tells what its step makes, so that no manifest can name other files.
    """
    graph = Graph(root)
    nodes = {above.path: above for path in paths for above in graph.of_file(path).up()}
    for node in nodes.values():
        kind, identity = layout.parse_manifest(node.path)
        known = node.manifest
        named = all(layout.parse(o["path"]) == (kind, identity) for o in known["outputs"].values())
        if (known["kind"], known["identity"]) != (kind, identity) or not named:
            raise MedadError(f"{node.path}: the manifest of another step; `medad verify` says more")
        if not manifest.consistent(known):
            raise MedadError(f"{node.path}: its key is not that of its content; restore it")
    made = [node for node in nodes.values() if node.kind in STARTS[start]]
    return sorted(made, key=_place)


def _place(node: Node) -> tuple[Any, ...]:
    """Sorts steps after those they read from, and draws by number."""
    kind, identity = layout.parse_manifest(node.path)
    return (KINDS.index(kind), *identity.values())


def _steps(root: Path, worktree: Worktree, made: Sequence[Node]) -> tuple[list[_Step], list[str]]:
    """The steps with their sources, and notes on what is not as it was."""
    steps, notes = [], []
    for node in made:
        records = record.of_key(root, node.manifest["key"])
        computed = [found for found in records if found["action"] == "computed"]
        # Any attempt names a commit with these modules; the last that computed has made the bytes.
        ordered = [*reversed(computed), *reversed(records)]
        commits = [str(f["repository"]["commit"]) for f in ordered if f["repository"]["commit"]]
        half = manifest.Half(**{n: node.manifest[n] for n in manifest.Half.__dataclass_fields__})
        sources = worktree.sources(half.code, list(dict.fromkeys(commits)))
        device = str(computed[-1]["device"]) if computed else "unknown"
        steps.append(_Step(node, half, sources, "cpu" if device == "cpu" else "auto"))
        if sources.name == PRESENT:
            notes.append(_why_present(commits[0] if commits else None))
        notes += _changes(computed[-1], device) if computed else []
    return steps, list(dict.fromkeys(notes))


def _why_present(commit: str | None) -> str:
    recorded = f"commit {commit[:12]}, which is not here or had changes" if commit else "no commit"
    return f"sources: recorded is {recorded}; the present ones have the same modules"


def _changes(known: dict[str, Any], device: str) -> list[str]:
    """Versions and hardware that are others than in a record: bytes may differ with them."""
    here = {**environment.libraries(), **environment.machine()}
    then = {**known["libraries"], **known["machine"]}
    return [
        f"{name} was {then[name]}, here {here[name]}"
        for name in sorted(then.keys() & here.keys() - {"host", "system", "cores"})
        if then[name] != here[name] and (name != "gpu" or device == "cuda")
    ]


def _jobs(steps: Iterable[_Step]) -> list[list[_Step]]:
    """Steps that share a key file, as one process each, in topological order."""
    jobs: dict[bytes, list[_Step]] = {}
    for step in steps:
        jobs.setdefault(step.job, []).append(step)
    return list(jobs.values())


def _run(project: Path, job: Sequence[_Step], number: int, settings: dict[str, Any]) -> None:
    """One process, as Snakemake starts it; MedadError with the step's own message."""
    step = job[0]
    key, log = f".prov/keys/{step.half.kind}/{number}.json", f"logs/{step.half.kind}.{number}.log"
    write_json(project / key, asdict(step.half))
    write_json(project / SETTINGS, {**settings, "device": step.device})
    done = subprocess.run(
        [sys.executable, "-m", "medad", "step", "--log", log, key, *(s.node.path for s in job)],
        cwd=project,
        env={
            **os.environ,
            "PYTHONPATH": str((step.sources.folder / "src").resolve()),
            "PYTHONDONTWRITEBYTECODE": "1",
            ENGINE: str(os.getpid()),
        },
        stdout=subprocess.DEVNULL,
        check=False,
    )
    if done.returncode:
        said = project / failure.FILE
        why = said.read_text(encoding="utf-8") if said.is_file() else f"status {done.returncode}"
        raise MedadError(f"{step.node.path}: could not be recomputed: {why}")


def _compare(root: Path, project: Path, node: Node) -> dict[str, Any]:
    again = manifest.read(project / node.path)
    outputs = []
    items = {**again["outputs"], **node.manifest["outputs"]}
    for name, item in sorted(items.items()):
        digests = (known["outputs"].get(name, {}).get("sha256") for known in (node.manifest, again))
        recorded, recomputed = digests
        outputs.append({**item, "name": name, "sha256": recorded, "recomputed": recomputed})
    inputs = [{n: i["sha256"] for n, i in m["inputs"].items()} for m in (again, node.manifest)]
    return {
        "step": node.path,
        "kind": node.kind,
        "same": all(output["sha256"] == output["recomputed"] for output in outputs),
        "inputs_same": inputs[0] == inputs[1],
        "outputs": outputs,
        "changed_here": [
            output["path"]
            for output in outputs
            if (root / output["path"]).is_file()
            and sha256(root / output["path"]) != output["sha256"]
        ],
    }


def _verdict(outcome: dict[str, Any]) -> str:
    if outcome["same"]:
        return "same bytes"
    return "differs" if outcome["inputs_same"] else "differs, and so did its inputs"


def _first(root: Path, project: Path, outcomes: Iterable[dict[str, Any]]) -> dict[str, Any] | None:
    for outcome in outcomes:
        for output in outcome["outputs"]:
            if output["sha256"] != output["recomputed"]:
                here = givens.recorded_file(root, output)
                again = project / output["path"]
                field = difference.first(here, again, output["path"]) if here else None
                return {
                    "step": outcome["step"],
                    "output": output["path"],
                    "recorded": output["sha256"],
                    "recomputed": output["recomputed"],
                    "field": field,
                    "recorded_is_here": here is not None,
                    "inputs_same": outcome["inputs_same"],
                }
    return None


def _label(node: Node) -> str:
    kind, identity = layout.parse_manifest(node.path)
    return " ".join([kind, *(str(value) for value in identity.values())])
