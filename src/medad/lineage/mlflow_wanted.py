"""What MLflow's runs should hold: what `medad track` would log now for steps, tables and cells."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from medad.errors import MedadError
from medad.lineage import manifest
from medad.lineage.inventory import Inventory
from medad.tracking.entries import Entry, numbers, parameters
from medad.tracking.tables import Table, cells, finished_tables, whole

_UNREAD = (MedadError, OSError, KeyError, TypeError, AttributeError, ValueError)


@dataclass(frozen=True)
class Wanted:
    """Parameters and (name, step, value) points of a run; ``source`` says the parameters."""

    params: Mapping[str, str]
    points: Sequence[tuple[str, int, float]]
    source: str


def of_step(root: Path, path: str) -> Wanted:
    """Of the step with a manifest; MedadError or FileNotFoundError when its files are not here."""
    made = manifest.read(root / path)
    return Wanted(parameters(made), numbers(root, made), "manifest")


def of_tables(
    name: str, root: Path, known: Inventory, wrong: Callable[[int], bool], notes: list[str]
) -> dict[str, Wanted]:
    """Of tables that are known and their cells, by version; ``name`` is that of the store.

    Tables that are ``wrong`` have none, as those of other versions than the ones here.
    """
    found: dict[str, Wanted] = {}
    try:
        tables = finished_tables(root)
    except _UNREAD:
        notes.append(f"{name}: runs of tables not compared: a table or figure cannot be read")
        return found
    for table in tables:
        try:
            step = known.step(bytes.fromhex(table.manifest["key"]))
            if step is None or wrong(step):
                continue
            entries = _entries(root, known, table)
        except _UNREAD:
            notes.append(
                f"{name}: runs of {table.name} not compared: what they show cannot be read"
            )
            continue
        found |= {one.key: Wanted(one.params, one.points, "table") for one in entries}
    return found


def _entries(root: Path, known: Inventory, table: Table) -> list[Entry]:
    """Of a table and its cells; of the table alone where a manifest that cells are read from is
    damaged, for that may name any file."""
    read = {manifest.beside(item["path"]) for item in table.manifest["inputs"].values()}
    entries = [whole(root, table, origins=False)]
    if known.damaged.keys().isdisjoint(read):
        entries += [cell.entry for cell in cells(root, table, origins=False)]
    return entries
