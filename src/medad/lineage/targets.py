"""What a user means by A and B: a place, a result in it, and of a table perhaps one cell."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from medad import layout
from medad.errors import MedadError
from medad.lineage import cells
from medad.lineage.cells import choose
from medad.lineage.graph import relative
from medad.lineage.places import Folder, Place, Publication, inside, read_json
from medad.lineage.publish import open_names
from medad.lineage.revision import Revision

HERE = "this folder"
FORMS = "PATH, REVISION:PATH, FOLDER:PATH or a published folder, each with :ROW/COLUMN for a cell"


@dataclass(frozen=True)
class Cell:
    """One cell as it is asked for; without ``dataset`` and ``split`` where the table has one."""

    row: str
    column: str
    dataset: str | None = None
    split: str | None = None


@dataclass(frozen=True)
class Target:
    """A result: ``path`` below results/ in ``place``; ``cell``: name in the cell map and entry."""

    place: Place
    path: str
    cell: tuple[str, dict[str, Any]] | None

    @property
    def step(self) -> tuple[str, dict[str, str | int]]:
        """Kind and identity of the step that made it."""
        found = layout.parse(self.path)
        if found is None:
            raise MedadError(f"{self.path}: not an artifact of medad (they lie in results/)")
        return found

    @property
    def manifest(self) -> str:
        return layout.manifest(*self.step)

    @property
    def label(self) -> str:
        """What the user is told."""
        where = "" if self.place.name == HERE else f"{self.place.name}:"
        return f"{where}{self.path}" + (f":{self.cell[0]}" if self.cell else "")


@dataclass(frozen=True)
class _Asked:
    place: Place
    path: str | None
    cell: Cell | None


def parse(root: Path, texts: tuple[str, str], cell: Cell | None) -> tuple[Target, Target]:
    """Both targets; what one leaves out, path or cell, it has from the other.

    ``cell`` is that of --row and --column. MedadError for a place that is none, a result that is
    not there, and two results of different kinds.
    """
    one, two = (_asked(root, text) for text in texts)
    first, second = _complete(one, two, cell), _complete(two, one, cell)
    if first.step[0] != second.step[0]:
        raise MedadError(
            f"{first.label}, {second.label}: made by different steps ({first.step[0]}, "
            f"{second.step[0]}); compare two results of one kind"
        )
    if first.path.endswith(layout.MANIFEST) != second.path.endswith(layout.MANIFEST):
        raise MedadError(f"{first.label}, {second.label}: give the result or its manifest for both")
    return first, second


def _asked(root: Path, text: str) -> _Asked:
    head, *rest = text.split(":")
    if not head:
        raise MedadError(f"{text!r}: not a result; write {FORMS}")
    place = _place(root, head)
    if place is None:
        return _Asked(Folder(root, HERE), relative(root, head), _cell(text, rest))
    if isinstance(place, Publication) and Path(head).is_file():
        return _Asked(place, _opened(place, Path(head).name), _cell(text, rest))
    path = rest.pop(0) if rest and rest[0].startswith("results/") else None
    return _Asked(place, path, _cell(text, rest))


def _place(root: Path, head: str) -> Place | None:
    """The place that the first part of a target names; None for a path of this project."""
    path = Path(head)
    folder = path.parent if path.is_file() else path
    if Publication.at(folder):
        return Publication(folder)
    if (path / "results").is_dir():
        return Folder(path.resolve(), path.as_posix())
    if path.exists() or inside(Path(head).as_posix()):
        return None
    return Revision(root, head)


def _opened(place: Publication, name: str) -> str:
    """Path below results/ of a file that lies open in a published folder."""
    outputs = [read_json(place, manifest)["outputs"].values() for manifest in place.asked()]
    found = open_names([str(item["path"]) for items in outputs for item in items]).get(name)
    if found is None:
        raise MedadError(f"{place.name}/{name}: not a result that was published there")
    return found


def _cell(text: str, rest: list[str]) -> Cell | None:
    parts = ":".join(rest).split("/")
    if parts == [""]:
        return None
    if len(parts) not in (2, 4):
        raise MedadError(f"{text}: write a cell as ROW/COLUMN or DATASET/SPLIT/ROW/COLUMN")
    row, column = parts[-2:]
    return Cell(row, column, *parts[:-2])


def _complete(asked: _Asked, other: _Asked, option: Cell | None) -> Target:
    target = Target(asked.place, _path(asked, other), None)
    if not target.place.has(target.manifest):
        raise MedadError(f"{target.label}: no manifest there, so nothing is known of this artifact")
    cell = asked.cell or option or other.cell
    if cell is None:
        return target
    kind, identity = target.step
    if kind != "table":
        raise MedadError(f"{target.label}: not a table, so it has no cells")
    path = layout.output("table", identity, "cells")
    known = cells.checked(read_json(target.place, path), f"{path} in {target.place.name}")
    dataset, split = (
        getattr(cell, name) or getattr(option, name, None) for name in ("dataset", "split")
    )
    return replace(target, cell=choose(known, cell.row, cell.column, dataset, split))


def _path(asked: _Asked, other: _Asked) -> str:
    if asked.path is not None:
        return asked.path
    if other.path is not None and asked.place.has(_manifest_of(other.path)):
        return other.path
    if not isinstance(asked.place, Publication):
        raise MedadError(f"{asked.place.name}: which result? write {asked.place.name}:results/...")
    found = asked.place.asked()
    if len(found) != 1:
        raise MedadError(
            f"{asked.place.name}: was published for {len(found)} results; write one after a "
            f"colon: {', '.join(found)}"
        )
    kind, identity = layout.parse_manifest(found[0])
    return layout.output(kind, identity, next(iter(layout.SUFFIXES[kind])))


def _manifest_of(path: str) -> str:
    made = layout.parse(path)
    if made is None:
        raise MedadError(f"{path}: not an artifact of medad (they lie in results/)")
    return layout.manifest(*made)
