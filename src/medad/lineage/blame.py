"""Which numbers rest on a step: cells of tables, figures, and metrics that are in no table.

A cell is a whole line of a table's CSV, and rests on

- the metrics of its own draws at its own K, with all that is behind them;
- the scores of the baseline's same draws, which its difference is paired with;
- at one K of another method than the baseline, the scores of both at every K: its simultaneous
  interval is as wide as the largest deviation at any of them (``evaluation.intervals``);
- the shots of every draw of its data set and split: they tell which images are resampled, and
  which resamples count, for all intervals together.

Metrics of the baseline and of another K are in no column of it: these come from the scores.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

from medad import layout
from medad.errors import MedadError
from medad.files import read_json
from medad.lineage import cells as cell_maps
from medad.lineage import manifest
from medad.lineage.inventory import Inventory
from medad.shot_counts import parse


@dataclass(frozen=True)
class Resting:
    """What rests on a step: "results/tables/table1.csv phantom/grouped/PaDiM/K4" for a cell; paths
    of figures; and how many metrics files."""

    cells: tuple[str, ...] = ()
    figures: tuple[str, ...] = ()
    metrics: int = 0


@dataclass(frozen=True)
class _Table:
    """Cells by the steps they rest on; ``cells`` is None when the cell map cannot be believed.

    ``by_run`` is step -> cells, of metrics, scores and shots; ``by_intervals`` the same of
    intervals.
    """

    path: str
    step: int
    cells: frozenset[str] | None
    by_run: dict[int, frozenset[str]]
    by_intervals: dict[int, frozenset[str]]

    def resting(self, touched: set[int]) -> set[str]:
        """Cells that rest on any of the steps ``touched``, the table's among them."""
        if self.step not in touched:
            return set()
        if self.cells is None:
            return {f"every cell of {self.path}"}
        # Intervals read the scores of every run, yet a cell's rest on its own and the baseline's.
        # They count for all their cells when no run is touched: then they are at fault themselves.
        for known in (self.by_run, self.by_intervals):
            if found := known.keys() & touched:
                names = set().union(*(known[step] for step in found))
                return {f"{self.path} {name}" for name in names}
        return {f"{self.path} {name}" for name in self.cells}


class Blame:
    """Answers for one inventory; ``wrong`` are the files found to be wrong."""

    def __init__(self, inventory: Inventory, wrong: Collection[str]) -> None:
        self._inventory = inventory
        self._children: dict[int, list[int]] = {}
        for maker, reader in inventory.links():
            self._children.setdefault(maker, []).append(reader)
        paths = {path: step for step, path in inventory.manifests() if _is_table(path)}
        self._tables = [_table(inventory, path, paths[path], wrong) for path in sorted(paths)]
        self._known: dict[int, Resting] = {}

    def of(self, step: int | None) -> Resting:
        """What rests on a step; nothing on a file that belongs to none."""
        if step is None:
            return Resting()
        if step not in self._known:
            self._known[step] = self._of(step)
        return self._known[step]

    def _of(self, step: int) -> Resting:
        pending, touched = [step], {step}
        while pending:
            for child in self._children.get(pending.pop(), ()):
                if child not in touched:
                    touched.add(child)
                    pending.append(child)
        paths = [self._inventory.path(one) for one in touched]
        return Resting(
            tuple(sorted({name for table in self._tables for name in table.resting(touched)})),
            tuple(sorted(path for path in paths if path.startswith("results/figures/"))),
            sum(path.startswith("results/metrics/") for path in paths),
        )


def _is_table(path: str) -> bool:
    return path.startswith("results/tables/")


def _table(inventory: Inventory, path: str, step: int, wrong: Collection[str]) -> _Table:
    stem = path.removesuffix(layout.MANIFEST)
    table, file = stem + ".csv", stem + ".cells.json"
    unknown = _Table(table, step, None, {}, {})
    if path in inventory.damaged or file in wrong:
        return unknown
    try:
        about = read_json(inventory.root / path)
        known = cell_maps.cells(inventory.root / file)
        return _Table(table, step, frozenset(known), *_by_step(inventory, about, known))
    except (MedadError, LookupError, TypeError, AttributeError, ValueError):
        return unknown


def _by_step(
    inventory: Inventory, about: dict[str, Any], known: dict[str, dict[str, Any]]
) -> tuple[dict[int, frozenset[str]], dict[int, frozenset[str]]]:
    """Cells by the steps of their runs, and by their intervals."""
    baseline, inputs = about["params"]["baseline"], about["inputs"]
    scores, shots = _compared(inputs)
    maker = cache(partial(_maker, inventory))
    by_run: dict[int, set[str]] = {}
    by_intervals: dict[int, set[str]] = {}
    for name, cell in known.items():
        place, method = _place_of(cell["metrics"][0])
        read = {inputs[one]["path"] for one in cell["metrics"]} | shots[place]
        if method == baseline:  # there is no difference, and so no simultaneous interval
            read |= {_output("score", "scores", one) for one in cell["metrics"]}
        else:
            read |= scores[place, method] | scores[place, baseline]
        for found, paths in ((by_run, read), (by_intervals, {inputs[cell["intervals"]]["path"]})):
            for step in map(maker, paths):
                if step is not None:
                    found.setdefault(step, set()).add(name)
    return _frozen(by_run), _frozen(by_intervals)


def _compared(
    inputs: Collection[str],
) -> tuple[dict[tuple[str, str], set[str]], dict[str, set[str]]]:
    """Paths of the scores by place and method, and of the shots by place, that the intervals of a
    table read: those of the runs whose metrics the table reads."""
    scores: dict[tuple[str, str], set[str]] = {}
    shots: dict[str, set[str]] = {}
    for name in inputs:
        if name.startswith("metrics/"):
            place, method = _place_of(name)
            scores.setdefault((place, method), set()).add(_output("score", "scores", name))
            shots.setdefault(place, set()).add(_output("shots", "shots", name))
    return scores, shots


def _place_of(run: str) -> tuple[str, str]:
    """Data set with split, and method, of "metrics/<dataset>/<split>/<method>/k4/r0"."""
    _, dataset, split, method, _, _ = run.split("/")
    return f"{dataset}/{split}", method


def _output(kind: str, output: str, run: str) -> str:
    """Path of an output of the same run, or of its draw."""
    _, dataset, split, method, k, r = run.split("/")
    drawn: dict[str, str | int] = {"k": parse(k[1:]), "r": r[1:]}
    identity = {"dataset": dataset, "split": split, "method": method, **drawn}
    return layout.output(kind, identity, output)


def _frozen(found: dict[int, set[str]]) -> dict[int, frozenset[str]]:
    return {step: frozenset(names) for step, names in found.items()}


def _maker(inventory: Inventory, path: str) -> int | None:
    made = inventory.output(path)
    return inventory.damaged.get(manifest.beside(path) or "") if made is None else made.step
