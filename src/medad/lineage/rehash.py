"""Every file below results/ against what the manifests say of it, read once each."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import cache
from itertools import chain, islice
from pathlib import Path

from medad import layout
from medad.files import sha256
from medad.lineage import inventory as inventories
from medad.lineage import manifest, record, sealed, views
from medad.lineage.inventory import Inventory, Output, Problem
from medad.lineage.spread import spread
from medad.lineage.store import Store
from medad.lineage.summaries import read
from medad.lineage.unpublished import UNPUBLISHED as UNPUBLISHED
from medad.lineage.unpublished import unpublished

MISSING = "missing"
_AT_ONCE = 128  # records whose manifests are asked for together
_SMALL = 1 << 20  # bytes of a file that is read at once
_RECORD = re.compile(rf"{record.FOLDER}/([0-9a-f]{{2}})/(\1[0-9a-f]{{62}})/[0-9]+-[0-9]+\.json")
_ENTRY = re.compile(r"([0-9a-f]{64})\.json")
_KIND = re.compile(rb'\n "kind": "([a-z0-9]+)",\n')
_STARTED = re.compile(rb'\n "started": ([0-9.]+),\n')
_PART = re.compile(r"\..+\.[0-9]+")  # being written: `files.write_bytes`, `medad page`


def outputs(
    root: Path, known: Inventory, chosen: Callable[[str], bool], notes: list[str]
) -> Iterator[Problem]:
    """Outputs that are missing or are not what was made; those of a publication are noted."""
    away = unpublished(root)

    def check(task: tuple[str, Output]) -> tuple[str, Output, str]:
        path, made = task
        return path, made, _output(f"{root}/{path}", made)

    wanted = (task for task in known.outputs() if chosen(task[0]))
    absent = 0
    for path, made, fault in spread(check, wanted, lambda task: task[1].size):
        if fault == MISSING and away.get(path) == made.sha256.hex():
            absent += 1
        elif fault:
            yield path, fault, made.step
    if absent:
        notes.append(f"{absent} files were not published with the table; known by hash")


def _output(path: str, made: Output) -> str:
    """SHA-256 and size decide: the md5 beside them is sealed with them, and slower to hash."""
    try:
        if made.size > _SMALL:
            size, found = os.path.getsize(path), bytes.fromhex(sha256(Path(path)))
        else:
            content = read(path)
            size, found = len(content), hashlib.sha256(content).digest()
    except FileNotFoundError:
        return MISSING
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    return "" if (found, size) == (made.sha256, made.size) else "changed since it was made"


def below_results(root: Path, known: Inventory, notes: list[str]) -> Iterator[Problem]:
    """Every record, every step without one, and every file that neither manifest nor record names.

    Records of keys that no manifest has are history: they only have to be whole.
    """
    others: list[str] = []
    yield from records(root, known, _records(root, others))
    yield from _unrecorded(known)
    yield from _extra(root, known, chain(_results(root), others), notes)


def records_of_steps(root: Path, known: Inventory) -> Iterator[Problem]:
    """Records of the steps that are known, and steps without one."""
    folders = (f"{record.FOLDER}/{key.hex()[:2]}/{key.hex()}" for key in known.each_key())
    paths = (path for folder in folders for path in inventories.files(root, folder))
    yield from records(root, known, filter(is_record, paths))
    yield from _unrecorded(known)


def records(root: Path, known: Inventory, paths: Iterable[str]) -> Iterator[Problem]:
    """What is wrong with these records."""

    def check(task: tuple[str, bytes, str | None]) -> tuple[str, bytes, str]:
        path, key, maker = task
        return path, key, _record(f"{root}/{path}", key, maker)

    for path, key, fault in spread(check, _with_makers(known, paths)):
        known.recorded(key)
        if fault:
            yield path, fault, known.step(key)


def _with_makers(known: Inventory, paths: Iterable[str]) -> Iterator[tuple[str, bytes, str | None]]:
    """Records with the keys they lie with and the good manifests that have these keys."""
    waiting = iter(paths)
    while batch := [(path, _key(path)) for path in islice(waiting, _AT_ONCE)]:
        makers = known.makers([key for _, key in batch])
        yield from ((path, key, makers.get(key)) for path, key in batch)


def _unrecorded(known: Inventory) -> Iterator[Problem]:
    for step, path in known.unrecorded():
        yield path, "no record says where and when this was computed", step


def _record(path: str, key: bytes, maker: str | None) -> str:
    """What is wrong with a record; ``maker`` is the manifest with the key it lies with.

    A copy under another name would count as another attempt. All is told from the bytes: parsing
    them takes as long as reading them.
    """
    try:
        content = read(path)
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    if sealed.digest(content) is None:
        return "record changed since it was written"
    if sealed.key_of(content) != key:
        return "record of another step"
    if not _has_own_name(content, path):
        return "copy of a record: its name is not that of the attempt it tells of"
    return "" if maker is None or _made(content) == maker else "record of another kind or identity"


def _has_own_name(content: bytes, path: str) -> bool:
    """Whether a record's file is named as ``record.write`` names it.

    Records of before processes were written in them have the time alone, to a thousandth.
    """
    micros, _, process = path[path.rindex("/") + 1 : -len(".json")].partition("-")
    try:
        seconds = int(micros) / 1e6
        started, by = f'\n "started": {seconds!r},\n', f'\n "process": {process},\n'
        if started.encode() in content and by.encode() in content:
            return len(micros) == record.DIGITS
        if b'\n "process": ' in content:
            return False
        found = _STARTED.search(content)
        own = found is not None and abs(float(found[1]) - seconds) < 0.000501
        return own and path.endswith(f"/{record.name(seconds, int(process))}")
    except (ValueError, OverflowError):  # more digits than a number has
        return False


def _made(content: bytes) -> str | None:
    """Path of the manifest of the step that a record tells of."""
    found = _KIND.search(content)
    if found is None or (kind := found[1].decode()) not in layout.STEMS:
        return None
    at = content.find(b'\n "identity": ')
    identity = _identity(kind).match(content[at:].decode(errors="replace"))
    return None if identity is None else layout.manifest(kind, identity.groupdict())


@cache
def _identity(kind: str) -> re.Pattern[str]:
    """The identity of a step of this kind, as it is written in its records."""
    fields = sorted(re.findall(r"\{(\w+)\}", layout.STEMS[kind]))
    value = {name: "[0-9]+" if name in ("k", "r") else "[A-Za-z0-9_-]+" for name in fields}
    quote = {name: "" if name in ("k", "r") else '"' for name in fields}
    lines = (f'  "{n}": {quote[n]}(?P<{n}>{value[n]}){quote[n]}' for n in fields)
    return re.compile('\n "identity": {\n' + ",\n".join(lines) + "\n },\n")


def _key(path: str) -> bytes:
    """The key a record's folder is named by."""
    return bytes.fromhex(path.split("/")[-2])


def stored(root: Path, known: Inventory, keys: Iterable[bytes]) -> Iterator[Problem]:
    """Stored manifests must be those of the results they would restore, byte by byte."""
    store = Store(root)

    def check(task: tuple[bytes, tuple[int, bytes] | None]) -> Problem:
        key, made = task
        step, wanted = made or (None, b"")
        entry = store.entry(key.hex())
        name = entry.relative_to(root).as_posix()
        try:
            content = entry.read_bytes()
        except FileNotFoundError:
            return name, "", step  # removable: what is not stored is computed
        except OSError as error:
            return name, f"cannot be read ({error.strerror})", step
        digest = sealed.digest(content)
        if digest is None or sealed.key_of(content) != key:
            return name, "stored manifest changed since it was written", step
        same = step is None or digest == wanted
        return name, "" if same else "stored manifest differs from the result's", step

    tasks = ((key, known.known(key)) for key in keys)
    yield from sorted(found for found in spread(check, tasks) if found[1])


def stored_keys(root: Path) -> Iterator[bytes]:
    """Keys of the manifests in the store."""
    with suppress(FileNotFoundError), os.scandir(root / ".prov/index") as entries:
        for entry in entries:  # unsorted: they all lie in one folder
            if found := _ENTRY.fullmatch(entry.name):
                yield bytes.fromhex(found[1])


def is_record(path: str) -> bool:
    """Whether a file is where a record would be."""
    return _RECORD.fullmatch(path) is not None


def _records(root: Path, others: list[str]) -> Iterator[str]:
    """Files that lie where records do; ``others`` gets those below the same folder that do not."""
    for path in inventories.files(root, record.FOLDER):
        if is_record(path):
            yield path
        else:
            others.append(path)


def _results(root: Path) -> Iterator[str]:
    """Every file below results/ but records and views."""
    for entry in inventories.entries(f"{root}/results"):
        path = f"results/{entry.name}"
        if not entry.is_dir(follow_symlinks=False):
            yield path
        elif path not in (record.FOLDER, *views.EVERY):
            yield from inventories.files(root, path)


def _extra(
    root: Path, known: Inventory, paths: Iterable[str], notes: list[str]
) -> Iterator[Problem]:
    """Those that no manifest names, DVC's own files apart."""
    parts = 0
    for path in paths:
        if (path.endswith(layout.MANIFEST) and path.count("/") > 1) or known.names(path):
            continue
        file = root / path
        if any(map(_PART.fullmatch, path.split("/"))):
            parts += 1
        elif file.name != ".gitignore" and not _is_dvc(file):
            maker = manifest.beside(path)
            if maker is None or (root / maker).is_file():
                if maker not in known.damaged:
                    yield path, "extra: no manifest or record names it", None
            else:
                yield path, f"extra: its manifest {maker} is missing", known.lost(maker)
    if parts:
        notes.append(f"{parts} files are being written, or were when a run was killed")


def _is_dvc(file: Path) -> bool:
    """What `dvc add` writes beside a file or folder."""
    return file.suffix == ".dvc" and file.with_suffix("").exists()
