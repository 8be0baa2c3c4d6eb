"""Rehash everything, and name each number that rests on what has changed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from medad.lineage import dvc_lock, mlflow_store, rehash, sources, summary
from medad.lineage import inventory as inventories
from medad.lineage.blame import Blame, Resting
from medad.lineage.inventory import Inventory, Problem
from medad.lineage.rehash import UNPUBLISHED

__all__ = ["UNPUBLISHED", "Finding", "verify", "verify_files"]


@dataclass(frozen=True)
class Finding:
    """One problem: the file, what is wrong, and the numbers that rest on it."""

    path: str
    problem: str
    resting: Resting


def verify(root: Path, target: str | None = None) -> tuple[list[Finding], list[str]]:
    """(findings, notes) about all that ``target`` rests on; about everything without one.

    A note is a fact that is no fault: data or weights known by hash only, an engine that knows
    less than is here. MedadError when no manifest tells of ``target``.
    """
    notes: list[str] = []
    if target is None:
        known = inventories.take(root, inventories.every(root))
        chosen: Callable[[str], bool] = _all
        records = rehash.below_results(root, known, notes)
        stored: Iterable[bytes] = rehash.stored_keys(root)
    else:
        known = inventories.take(root, inventories.ancestry(root, target))
        chosen = _of(known)
        records = rehash.records_of_steps(root, known)
        stored = known.each_key()
    problems = [
        *known.problems,
        *rehash.outputs(root, known, chosen, notes),
        *records,
        *rehash.stored(root, known, stored),
        *sources.files(root, known, _all, notes),
    ]
    wrong = {path: step for path, _, step in problems}
    problems += sources.images(root, known, wrong, _all, notes)
    steps = {step for _, _, step in problems}
    problems += [
        *dvc_lock.compare(root, known, wrong, chosen, notes),
        *mlflow_store.compare(root, known, steps.__contains__, notes),
        *summary.compare(root, known, target is None, notes),
    ]
    return _blamed(known, problems), notes


def verify_files(root: Path, files: Collection[str]) -> list[Finding]:
    """Findings about these files alone, by paths relative to ``root``; others are not rehashed.

    The manifests are all read, since they say what there should be.
    """
    chosen = set(files).__contains__
    known = inventories.take(root, inventories.every(root))
    stored = (Path(path).stem for path in files if path.startswith(".prov/index/"))
    problems = chain(
        (found for found in known.problems if chosen(found[0])),
        rehash.outputs(root, known, chosen, []),
        rehash.records(root, known, filter(rehash.is_record, files)),
        rehash.stored(root, known, map(bytes.fromhex, stored)),
        sources.images(root, known, (), chosen, []),
        sources.files(root, known, chosen, []),
    )
    return _blamed(known, list(problems))


def _all(path: str) -> bool:
    return True


def _of(known: Inventory) -> Callable[[str], bool]:
    return lambda path: known.names(path) or known.is_manifest(path)


def _blamed(known: Inventory, problems: list[Problem]) -> list[Finding]:
    if not problems:
        return []
    blame = Blame(known, {path for path, _, _ in problems})
    return [Finding(path, problem, blame.of(step)) for path, problem, step in problems]
