"""Whether MLflow shows what the artifacts say: its SQLite file, read without MLflow.

Runs are found by the key of their step or the version of what they show of a table, whatever
experiment they are in; runs without one are not ours to judge. What a run should hold is what
`medad track` would log for it now.
"""

from __future__ import annotations

import math
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from medad.errors import MedadError
from medad.lineage.inventory import Inventory, Problem
from medad.lineage.locks import try_lock
from medad.lineage.mlflow_wanted import Wanted, of_step, of_tables
from medad.tracking.state import LOCK, sqlite_file, store_uri

_LARGEST = 1.7976931348623157e308  # what MLflow writes for infinity
_LONGEST = 5000  # characters of a parameter
_TRACKED = ("results/stage1/", "results/metrics/")  # where the manifests lie of steps with runs
_RUNS = """
    select tags."key", tags.value, runs.run_uuid, coalesce(runs.name, ''), runs.status from tags
    join runs on runs.run_uuid = tags.run_uuid
    where tags."key" in ('medad.key', 'medad.version') and runs.lifecycle_stage = 'active'
    order by runs.run_uuid, tags."key"
"""
_POINTS = 'select "key", step, value, is_nan from metrics where run_uuid = ?'
_LATEST = 'select "key", step, value, is_nan from latest_metrics where run_uuid = ?'
_PARAMS = 'select "key", value from params where run_uuid = ?'
_UNLIKE = (sqlite3.SQLITE_ERROR, sqlite3.SQLITE_SCHEMA)  # it was read, and has not what is asked

Point = tuple[str, int, float | None]


def compare(
    root: Path,
    known: Inventory,
    wrong: Callable[[int], bool],
    notes: list[str],
) -> Iterator[Problem]:
    """Runs that show other points or parameters than the artifacts of their steps or tables hold.

    Steps whose artifacts are ``wrong`` are left out: there is nothing to hold their runs against.
    No number of a table rests on a run: MLflow is a view.
    """
    file = sqlite_file(store_uri(root))
    if file is None:
        notes.append("MLflow's store is no SQLite file; not compared")
        return
    if not file.is_file():
        return
    name = file.relative_to(root).as_posix() if file.is_relative_to(root) else file.name
    try:
        with closing(sqlite3.connect(f"file:{quote(str(file))}?mode=ro", uri=True)) as database:
            for query in (_POINTS, _LATEST, _PARAMS):  # even if there is no run to ask for
                database.execute(query, ("",)).fetchone()
            yield from _compare(database, name, root, known, wrong, notes)
    except sqlite3.DatabaseError as error:
        if _is_in_use(root, error):
            notes.append(f"{name}: not compared ({error})")
        else:
            fault = f"cannot be read ({error}); delete it and `medad track` makes it again"
            yield name, fault, None


def _is_in_use(root: Path, error: sqlite3.DatabaseError) -> bool:
    """Whether a store could not be read because others have it, or it is just being made."""
    if not isinstance(error, sqlite3.OperationalError):
        return False
    # Python's own errors, such as of text that is none, have no code.
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
    return code & 0xFF not in _UNLIKE or _is_written(root)


def _is_written(root: Path) -> bool:
    """Whether `medad track` is at work, which may have only begun to make the store."""
    if not (root / LOCK).is_file():
        return False
    try:
        lock = try_lock(root / LOCK)
    except OSError:
        return False  # nobody can write here
    if lock is None:
        return True
    lock.close()
    return False


def _compare(
    database: sqlite3.Connection,
    name: str,
    root: Path,
    known: Inventory,
    wrong: Callable[[int], bool],
    notes: list[str],
) -> Iterator[Problem]:
    """Every run, by what is here; ``name`` is the store's. Runs of anything else are history."""
    steps, unread = bytearray(known.steps), 0
    versions: dict[str, Wanted] | None = None
    seen: set[str] = set()
    for tag, value, run, title, status in database.execute(_RUNS):
        if tag == "medad.version":
            if versions is None:
                versions = of_tables(name, root, known, wrong, notes)
            wanted = versions.get(value)
            seen.add(value)
        else:
            step = _step(known, value)
            if step is None:
                continue
            steps[step] = 1
            if wrong(step):
                continue
            try:
                wanted = of_step(root, known.path(step))
            except (FileNotFoundError, MedadError):
                unread += 1  # known by hash alone, or it would be wrong
                continue
        if wanted is not None:
            for fault in _faults(database, run, wanted, status == "FINISHED"):
                yield f"{name}: run {run} ({title})", fault, None
    if unread:
        notes.append(f"{name}: {unread} runs not compared: their artifacts are not here")
    lacking = len((versions or {}).keys() - seen) + sum(
        path.startswith(_TRACKED) and ".intervals." not in path and not steps[step]
        for step, path in known.manifests()
        if path not in known.damaged
    )
    if lacking:
        notes.append(f"{name}: {lacking} finished runs are not there; `medad track` adds new ones")


def _step(known: Inventory, key: object) -> int | None:
    try:
        return known.step(bytes.fromhex(str(key)))
    except ValueError:
        return None


def _faults(
    database: sqlite3.Connection, run: str, wanted: Wanted, complete: bool
) -> Iterator[str]:
    """What differs; a run that is not complete may lack points and parameters, and no more."""
    points = Counter((name, step, _bounded(value)) for name, step, value in wanted.points)
    logged = Counter(_points(database, _POINTS, run))
    for name, step, value in sorted((logged - points).keys(), key=str):
        yield f"metric {name} is {value} at step {step}; {_here(points, name, step)}"
    if complete:
        shown = {(name, step) for name, step, _ in logged}
        lost = sorted((name, step) for name, step, _ in points if (name, step) not in shown)
        if lost:
            yield f"lacks {len(lost)} points, such as metric {lost[0][0]} at step {lost[0][1]}"
    yield from _faults_of_last(points, list(_points(database, _LATEST, run)), complete)
    params = {name: value[:_LONGEST] for name, value in wanted.params.items()}
    found = dict(database.execute(_PARAMS, (run,)))
    for name in sorted(params.keys() | found.keys(), key=str):
        if found.get(name) != params.get(name) and (complete or name in found):
            said, here = found.get(name, "absent"), params.get(name, "absent")
            yield f"parameter {name} is {said}; its {wanted.source} says {here}"


def _faults_of_last(points: Counter[Point], latest: list[Point], complete: bool) -> Iterator[str]:
    """What differs in the values that MLflow shows first: the last ones, or, of a run that is not
    complete, any one that there is."""
    last: dict[str, tuple[int, float | None]] = {}
    for name, step, value in sorted(points, key=lambda point: (point[1], point[2] or 0.0)):
        last[name] = step, value
    for name, step, value in sorted(latest, key=str):
        if name not in last:
            yield f"shows {value} as the last {name}; its artifacts have none"
        elif (last[name] != (step, value)) if complete else ((name, step, value) not in points):
            told, at = last[name][1], last[name][0]
            where = "" if at == step else f" at step {step}"
            there = "" if at == step else f" at step {at}"
            yield f"shows {value} as the last {name}{where}; its artifacts say {told}{there}"
    lost = sorted(last.keys() - {name for name, _, _ in latest})
    if lost and complete:
        yield f"lacks {len(lost)} last values, such as that of metric {lost[0]}"


def _points(database: sqlite3.Connection, query: str, run: str) -> Iterator[Point]:
    for name, step, value, is_nan in database.execute(query, (run,)):
        yield name, step, None if is_nan else value


def _bounded(value: float) -> float | None:
    """As MLflow's database holds it; None for NaN."""
    return None if math.isnan(value) else max(-_LARGEST, min(_LARGEST, value))


def _here(points: Counter[Point], name: str, step: int) -> str:
    known = [value for one, at, value in points if (one, at) == (name, step)]
    return f"its artifacts say {known[0]}" if known else "its artifacts have none"
