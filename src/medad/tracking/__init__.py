"""Finished runs and their curves into MLflow: a view that can be rebuilt, never a truth.

Each table has an experiment, ``medad/<table>``: one run of the table (CSV, Markdown, figures), one
of each cell, and below a cell one of every draw's stage 1 and metrics. A step's run exists once,
in the experiment of the first table by name that shows it, else in ``medad/runs``; cells of other
tables name it in a tag. One writer at a time; bringing in the same thing again changes nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from medad.tracking.entries import Entry, candidates, finished, live, run_of
from medad.tracking.state import STATE, store_uri, tracked
from medad.tracking.store import Writer
from medad.tracking.tables import Table, cells, experiment, finished_tables, owners, whole

__all__ = ["STATE", "Entry", "finished", "follow", "live", "store_uri", "track"]
_LINKS = 240  # ids of runs that fit into one tag


def track(root: Path) -> int:
    """Bring what is finished into MLflow; how many runs were new. Importing nothing when none."""
    uri = store_uri(root)
    known = tracked(root, uri)
    steps = candidates(root)
    every = finished_tables(root)
    new = [table for table in every if table.version not in known.tables]
    if not new and all(key in known.runs for key in steps.values()):
        return 0
    with Writer(root, uri) as log:
        _bring(root, log, steps, new, owners(root, every))
        return log.completed


def follow(root: Path, seconds: float, active: Callable[[], bool]) -> None:
    """Keep bringing in what is finished and what is training, while ``active()``; then tables."""
    uri = store_uri(root)
    with Writer(root, uri) as log:
        placed = owners(root, finished_tables(root))
        going = True
        while going:
            going = active()
            for entry in live(root):
                if not log.done(entry.key):
                    log.write(entry, experiment(placed.get(entry.name)))
            _bring(root, log, candidates(root), [], placed)
            if going:
                time.sleep(seconds)
        new = finished_tables(root)
        _bring(root, log, candidates(root), new, owners(root, new))


def _bring(
    root: Path,
    log: Writer,
    steps: Mapping[str, str],
    new: Iterable[Table],
    placed: Mapping[str, str],
) -> None:
    """Write steps (manifest -> key) and new tables. Cells begin first: runs are made below them."""
    shown = [(table, cells(root, table)) for table in new]
    above: dict[str, str] = {}
    for table, made in shown:
        for cell in made:
            run_id = log.open(cell.entry, table.experiment)
            if cell.one_k:
                above.update({run: run_id for run in cell.runs if placed[run] == table.name})
    for path, key in steps.items():
        run = run_of(path)
        if log.done(key):
            log.place(key, above.get(run))
        else:
            log.write(finished(root, path), experiment(placed.get(run)), above.get(run))
    ids: dict[str, list[str]] = {}
    for path, key in steps.items():
        ids.setdefault(run_of(path), []).append(log.known[key].run_id)
    for table, made in shown:
        for cell in made:
            links = [run_id for run in cell.runs for run_id in ids.get(run, [])]
            log.write(cell.entry, table.experiment, tags={"medad.runs": " ".join(links[:_LINKS])})
        log.write(whole(root, table), table.experiment)
