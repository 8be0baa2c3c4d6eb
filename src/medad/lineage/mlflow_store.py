"""Whether MLflow shows what the artifacts say: its SQLite file, read without MLflow.

Runs are found by the key of their step, whatever experiment they are in; runs without one are not
ours to judge. What a run should hold is what `medad track` would log for its step now.
"""

from __future__ import annotations

import math
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from medad.errors import MedadError
from medad.lineage import manifest
from medad.lineage.inventory import Inventory, Problem
from medad.tracking import store_uri
from medad.tracking.entries import numbers, parameters

_LARGEST = 1.7976931348623157e308  # what MLflow writes for infinity
_LONGEST = 5000  # characters of a parameter
_TRACKED = ("results/stage1/", "results/metrics/")  # where the manifests lie of steps with runs
_RUNS = """
    select tags.value, runs.run_uuid, coalesce(runs.name, ''), runs.status from tags
    join runs on runs.run_uuid = tags.run_uuid
    where tags."key" = 'medad.key' and runs.lifecycle_stage = 'active' order by runs.run_uuid
"""
_POINTS = 'select "key", step, value, is_nan from metrics where run_uuid = ?'
_LATEST = 'select "key", step, value, is_nan from latest_metrics where run_uuid = ?'
_PARAMS = 'select "key", value from params where run_uuid = ?'

Point = tuple[str, int, float | None]


def compare(
    root: Path,
    known: Inventory,
    wrong: Callable[[int], bool],
    notes: list[str],
) -> Iterator[Problem]:
    """Runs that show other points or parameters than their steps' artifacts hold.

    Steps whose artifacts are ``wrong`` are left out: there is nothing to hold their runs against.
    No number of a table rests on a run: MLflow is a view.
    """
    uri = store_uri(root)
    if not uri.startswith("sqlite:///"):
        notes.append("MLflow's store is no SQLite file; not compared")
        return
    file = Path(uri.removeprefix("sqlite:///"))
    if not file.is_file():
        return
    seen = bytearray(known.steps)
    unread = 0
    name = file.relative_to(root).as_posix() if file.is_relative_to(root) else file.name
    try:
        with closing(sqlite3.connect(f"file:{quote(str(file))}?mode=ro", uri=True)) as database:
            for key, run, title, status in database.execute(_RUNS):
                step = _step(known, key)
                if step is None:
                    continue  # of a result that is no longer here
                seen[step] = 1
                if not wrong(step):
                    try:
                        made = manifest.read(root / known.path(step))
                        expected = parameters(made), numbers(root, made)
                    except (FileNotFoundError, MedadError):
                        unread += 1  # known by hash alone, or it would be wrong
                        continue
                    for fault in _faults(database, run, *expected, status == "FINISHED"):
                        yield f"{name}: run {run} ({title})", fault, None
    except sqlite3.OperationalError as error:
        notes.append(f"{name}: not compared ({error})")
        return
    except sqlite3.DatabaseError as error:
        yield name, f"cannot be read ({error}); delete it and `medad track` makes it again", None
        return
    if unread:
        notes.append(f"{name}: {unread} runs not compared: their artifacts are not here")
    lacking = sum(
        path.startswith(_TRACKED) and ".intervals." not in path and not seen[step]
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
    database: sqlite3.Connection,
    run: str,
    wanted: Mapping[str, str],
    known: Sequence[tuple[str, int, float]],
    complete: bool,
) -> Iterator[str]:
    """What differs; a run that is not complete may lack points and parameters."""
    points = Counter((name, step, _bounded(value)) for name, step, value in known)
    logged = Counter(_points(database, _POINTS, run))
    for name, step, value in sorted((logged - points).keys(), key=str):
        yield f"metric {name} is {value} at step {step}; {_here(points, name, step)}"
    if complete:
        shown = {(name, step) for name, step, _ in logged}
        lost = sorted((name, step) for name, step, _ in points if (name, step) not in shown)
        if lost:
            yield f"lacks {len(lost)} points, such as metric {lost[0][0]} at step {lost[0][1]}"
    last = {name: (step, value) for name, step, value in sorted(points, key=lambda p: p[:2])}
    for name, step, value in sorted(_points(database, _LATEST, run), key=str):
        if complete and name in last and last[name] != (step, value):
            yield f"shows {value} as the last {name}; its artifacts say {last[name][1]}"
    params = {name: value[:_LONGEST] for name, value in wanted.items()}
    found = dict(database.execute(_PARAMS, (run,)))
    for name in sorted(params.keys() | found.keys()):
        if found.get(name) != params.get(name) and (complete or name in found):
            said, here = found.get(name, "absent"), params.get(name, "absent")
            yield f"parameter {name} is {said}; its manifest says {here}"


def _points(database: sqlite3.Connection, query: str, run: str) -> Iterator[Point]:
    for name, step, value, is_nan in database.execute(query, (run,)):
        yield name, step, None if is_nan else value


def _bounded(value: float) -> float | None:
    """As MLflow's database holds it; None for NaN."""
    return None if math.isnan(value) else max(-_LARGEST, min(_LARGEST, value))


def _here(points: Counter[Point], name: str, step: int) -> str:
    known = [value for one, at, value in points if (one, at) == (name, step)]
    return f"its artifacts say {known[0]}" if known else "its artifacts have none"
