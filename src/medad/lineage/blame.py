"""Which numbers rest on a step: cells of tables, figures, and metrics that are in no table."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from medad import layout
from medad.errors import MedadError
from medad.files import read_json
from medad.lineage import cells as cell_maps
from medad.lineage import manifest
from medad.lineage.inventory import Inventory


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

    ``by_metrics`` is step -> cells, of a cell's own runs and of the baseline's same draws, which
    its interval compares them with; ``by_intervals`` the same for intervals.
    """

    path: str
    step: int
    cells: frozenset[str] | None
    by_metrics: dict[int, frozenset[str]]
    by_intervals: dict[int, frozenset[str]]

    def resting(self, touched: set[int]) -> set[str]:
        """Cells that rest on any of the steps ``touched``, the table's among them."""
        if self.step not in touched:
            return set()
        if self.cells is None:
            return {f"every cell of {self.path}"}
        # Intervals read the scores of every run, yet a cell's rest on its own and the baseline's.
        # They count for all their cells when no run is touched: then they are at fault themselves.
        for known in (self.by_metrics, self.by_intervals):
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
        steps = {name: _maker(inventory, item["path"]) for name, item in about["inputs"].items()}
        return _Table(table, step, frozenset(known), *_by_step(known, steps, about["params"]))
    except (MedadError, KeyError, TypeError, AttributeError, ValueError):
        return unknown


def _by_step(
    known: dict[str, dict[str, Any]], steps: dict[str, int | None], params: dict[str, Any]
) -> tuple[dict[int, frozenset[str]], dict[int, frozenset[str]]]:
    metrics: dict[int, set[str]] = {}
    intervals: dict[int, set[str]] = {}
    for name, cell in known.items():
        runs = {*cell["metrics"], *(_of(params["baseline"], run) for run in cell["metrics"])}
        for found, read in ((metrics, runs), (intervals, {cell["intervals"]})):
            for step in (steps.get(one) for one in read):
                if step is not None:
                    found.setdefault(step, set()).add(name)
    return _frozen(metrics), _frozen(intervals)


def _frozen(found: dict[int, set[str]]) -> dict[int, frozenset[str]]:
    return {step: frozenset(names) for step, names in found.items()}


def _maker(inventory: Inventory, path: str) -> int | None:
    made = inventory.output(path)
    return inventory.damaged.get(manifest.beside(path) or "") if made is None else made.step


def _of(method: str, run: str) -> str:
    """The same draw's metrics of another method: "metrics/<dataset>/<split>/<method>/k4/r0"."""
    parts = run.split("/")
    return "/".join([*parts[:3], method, *parts[4:]])
