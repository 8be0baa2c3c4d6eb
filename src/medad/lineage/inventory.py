"""What the manifests say there should be: of each, only what links and blame need.

It is kept in a private database, which goes to the disk once it outgrows a few MiB: the memory of
whoever asks does not grow with the number of steps.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

from medad import layout
from medad.errors import MedadError
from medad.lineage import manifest
from medad.lineage.spread import spread
from medad.lineage.summaries import Summary, summary

Problem = tuple[str, str, int | None]  # path, what is wrong, the step it belongs to
_FOLDERS = tuple(dict.fromkeys(stem.split("/")[1] for stem in layout.STEMS.values()))
_STALE = "Snakemake would make it again"
_ROWS = 128  # written at once: each statement lets the threads that read files go first
_TABLES = """
    pragma cache_size = -2048;
    pragma journal_mode = off;
    create table step(number integer primary key, path blob, key blob, digest blob);
    create table output(path blob primary key, sha256 blob, md5 blob, size integer, step integer)
        without rowid;
    create table input(step integer, path blob, sha256 blob);
    create table link(maker integer, reader integer);
    create table record(key blob primary key) without rowid;
"""
_INDEXES = "create index by_key on step(key); create index by_path on step(path)"
_BROKEN = """
    select input.step, input.path, input.sha256, output.path is null from input
    left join output on output.path = input.path
    where output.path is null or output.sha256 <> input.sha256 order by input.rowid
"""
_LINKS = """
    select output.step, input.step from input join output on output.path = input.path
    union all select maker, reader from link
"""
_UNRECORDED = """
    select number, path from step where key is not null and key not in (select key from record)
    order by number
"""


class Output(NamedTuple):
    """What a file of a step should be, and the number of the step."""

    sha256: bytes
    md5: bytes
    size: int
    step: int


class Inventory:
    """Steps are numbered; ``damaged`` has those whose manifest is not good or is missing, by its
    path; ``sources`` the inputs that no step makes: (path, sha256) -> the steps that read it.

    It belongs to the thread that made it.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.steps = 0
        self.damaged: dict[str, int] = {}
        self.sources: dict[tuple[str, bytes], list[int]] = {}
        self.problems: list[Problem] = []
        self._database = sqlite3.connect("", isolation_level=None)  # a file without a name
        self._database.executescript(_TABLES)
        self._database.execute("begin")
        self._waiting: dict[str, list[tuple[Any, ...]]] = {}

    def path(self, step: int) -> str:
        """The manifest of a step."""
        return _text(self._one("select path from step where number = ?", step)[0])

    def known(self, key: bytes) -> tuple[int, bytes] | None:
        """(step, its manifest's digest) by the key of a good manifest."""
        found = self._one("select number, digest from step where key = ?", key)
        return None if found is None else (int(found[0]), bytes(found[1]))

    def step(self, key: bytes) -> int | None:
        """The step with a key."""
        found = self.known(key)
        return None if found is None else found[0]

    def makers(self, keys: Sequence[bytes]) -> dict[bytes, str]:
        """Key -> path of the good manifest that has it, of at most ``_ROWS`` keys at once."""
        query = f"select key, path from step where key in ({', '.join('?' * len(keys))})"
        return {bytes(key): _text(path) for key, path in self._database.execute(query, keys)}

    def each_key(self) -> Iterator[bytes]:
        """Of the steps whose manifests are good."""
        query = "select key from step where key is not null order by number"
        return (bytes(key) for (key,) in self._database.execute(query))

    def manifests(self) -> Iterator[tuple[int, str]]:
        """(step, path of its manifest) of all, damaged and missing ones, too."""
        rows = self._database.execute("select number, path from step order by number")
        return ((step, _text(path)) for step, path in rows)

    def is_manifest(self, path: str) -> bool:
        """Whether a step has its manifest here."""
        return self._one("select 1 from step where path = ?", _blob(path)) is not None

    def output(self, path: str) -> Output | None:
        """What a file below results/ should be; None for one that no manifest names."""
        query = "select sha256, md5, size, step from output where path = ?"
        found = self._one(query, _blob(path))
        return None if found is None else Output(*found)

    def names(self, path: str) -> bool:
        """Whether a manifest names this file as an output."""
        return self._one("select 1 from output where path = ?", _blob(path)) is not None

    def outputs(self, below: str = "") -> Iterator[tuple[str, Output]]:
        """Every file below a folder that a manifest names, sorted."""
        query = "select * from output where path >= ? and path < ? order by path"
        first = _blob(below)
        for path, *found in self._database.execute(query, (first, first + b"\xff")):
            yield _text(path), Output(*found)

    def links(self) -> Iterator[tuple[int, int]]:
        """(step, a step that read what it made)."""
        return self._database.execute(_LINKS)

    def add(self, found: Summary) -> None:
        """The next manifest."""
        step = self._number(found.path, found.key or None, found.digest)
        if found.problem:
            self.damaged[found.path] = step
            self.problems.append((found.path, found.problem, step))
        for path, *made in found.outputs:
            self._write("output", (_blob(path), *made, step))
        for path, sha256 in found.inputs:
            self._write("input", (step, _blob(path), sha256))

    def close(self) -> None:
        """After the last manifest: whatever was read is what some step made, or a source."""
        self._flush()
        self._database.executescript(_INDEXES)
        for step, name, sha256, unmade in self._database.execute(_BROKEN).fetchall():
            path, reader = _text(name), self.path(step)
            maker = manifest.beside(path)
            if not unmade:
                if reader not in self.damaged:
                    fault = (
                        f"was made from another version of {path}; Snakemake would make it again"
                    )
                    self.problems.append((reader, fault, step))
            elif maker is None:
                self.sources.setdefault((path, sha256), []).append(step)
            elif (self.root / maker).is_file() and maker not in self.damaged:
                self.problems.append((reader, f"rests on {path}, which {maker} lacks", step))
            else:
                if maker not in self.damaged:
                    self.problems.append((maker, "missing", self.lost(maker)))
                self._write("link", (self.damaged[maker], step))
        self._flush()

    def lost(self, maker: str) -> int:
        """The number of a step whose manifest is not here."""
        if maker not in self.damaged:
            self.damaged[maker] = self._number(maker, None, b"")
            self._flush()
        return self.damaged[maker]

    def recorded(self, key: bytes) -> None:
        """There is a record of the step with this key."""
        self._write("record", (key,))

    def unrecorded(self) -> list[tuple[int, str]]:
        """(step, path of its manifest) of good ones without a record."""
        self._flush()
        return [(step, _text(path)) for step, path in self._database.execute(_UNRECORDED)]

    def _number(self, path: str, key: bytes | None, digest: bytes) -> int:
        self._write("step", (self.steps, _blob(path), key, digest))
        self.steps += 1
        return self.steps - 1

    def _one(self, query: str, value: object) -> Any:
        return self._database.execute(query, (value,)).fetchone()

    def _write(self, table: str, row: tuple[Any, ...]) -> None:
        waiting = self._waiting.setdefault(table, [])
        waiting.append(row)
        if len(waiting) == _ROWS:
            self._insert(table, waiting)

    def _flush(self) -> None:
        for table, waiting in self._waiting.items():
            if waiting:
                self._insert(table, waiting)

    def _insert(self, table: str, rows: list[tuple[Any, ...]]) -> None:
        row = f"({', '.join('?' * len(rows[0]))})"
        statement = f"insert or replace into {table} values {', '.join([row] * len(rows))}"
        self._database.execute(statement, list(chain.from_iterable(rows)))
        rows.clear()


def _blob(path: str) -> bytes:
    """Any name that a file can have; text in a database cannot hold all of them."""
    return path.encode("utf-8", "surrogatepass")


def _text(path: bytes) -> str:
    return path.decode("utf-8", "surrogatepass")


def take(root: Path, paths: Iterable[str]) -> Inventory:
    """Of these manifests, which are in the order of ``every`` or ``ancestry``."""
    inventory = Inventory(root)
    for found in spread(lambda path: summary(root, path), paths):
        inventory.add(found)
    inventory.close()
    return inventory


def every(root: Path) -> Iterator[str]:
    """Path of every manifest, those of the first steps first."""
    others = {entry.name for entry in entries(f"{root}/results") if entry.is_dir()}
    for folder in dict.fromkeys((*_FOLDERS, *sorted(others - {"records"}))):
        for path in files(root, f"results/{folder}"):
            if path.endswith(layout.MANIFEST):
                yield path


def ancestry(root: Path, target: str) -> list[str]:
    """Manifests of the step that made an artifact and of all that it rests on, first steps first.

    MedadError when no manifest tells of the artifact itself.
    """
    first = manifest.beside(target)
    if first is None:
        raise MedadError(f"{target}: not an artifact of medad (they lie in results/)")
    if not (root / first).is_file():
        raise MedadError(f"{first}: no manifest, so nothing is known of this artifact")
    pending, seen, read = [first], {first}, set[str]()
    while pending:
        for path, _ in summary(root, pending.pop()).inputs:
            made = None if path in read else manifest.beside(path)
            read.add(path)
            if made is not None and made not in seen:
                seen.add(made)
                if (root / made).is_file():
                    pending.append(made)
    here = (path for path in seen if (root / path).is_file())
    return sorted(here, key=lambda path: (_FOLDERS.index(path.split("/")[1]), path))


def files(root: Path, folder: str) -> Iterator[str]:
    """Path of every file below a folder, sorted within each; a link to a folder counts as one."""
    for entry in entries(f"{root}/{folder}"):
        path = f"{folder}/{entry.name}"
        if entry.is_dir(follow_symlinks=False):
            yield from files(root, path)
        else:
            yield path


def entries(folder: str) -> list[os.DirEntry[str]]:
    """What a folder holds, sorted; nothing for one that is not there."""
    try:
        with os.scandir(folder) as opened:
            found = list(opened)
    except FileNotFoundError:
        return []
    return found if len(found) < 2 else sorted(found, key=lambda entry: entry.name)
