"""Every file below results/ against what the manifests say of it, read once each."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from medad import layout
from medad.files import digest, read_json
from medad.lineage import inventory as inventories
from medad.lineage import manifest, record, sealed
from medad.lineage.inventory import Inventory, Output, Problem
from medad.lineage.spread import spread
from medad.lineage.store import Store

UNPUBLISHED = ".prov/unpublished.json"  # outputs that an adopted publication leaves out, by hash
MISSING = "missing"
_RECORD = re.compile(rf"{record.FOLDER}/([0-9a-f]{{2}})/(\1[0-9a-f]{{62}})/[0-9]+-[0-9]+\.json")
_PART = re.compile(r"\..+\.[0-9]+")  # a file being written: `medad.files.write_bytes`


def outputs(
    root: Path, known: Inventory, chosen: Callable[[str], bool], notes: list[str]
) -> Iterator[Problem]:
    """Outputs that are missing or are not what was made; those of a publication are noted."""
    away = read_json(root / UNPUBLISHED) if (root / UNPUBLISHED).is_file() else {}
    wanted = ((path, made) for path, made in known.outputs() if chosen(path))
    absent = 0
    for path, made, fault in spread(
        lambda task: (*task, _output(root / task[0], task[1])), wanted, lambda task: task[1].size
    ):
        if fault == MISSING and away.get(path) == made.sha256.hex():
            absent += 1
        elif fault:
            yield path, fault, made.step
    if absent:
        notes.append(f"{absent} files were not published with the table; known by hash")


def _output(path: Path, made: Output) -> str:
    try:
        found = digest(path)
    except FileNotFoundError:
        return MISSING
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    same = (found.sha256, found.md5, found.size) == (made.sha256.hex(), made.md5.hex(), made.size)
    return "" if same else "changed since it was made"


def records(root: Path, known: Inventory, paths: Iterable[str]) -> Iterator[Problem]:
    """Records that are not what was written. Those of keys that no manifest has are history."""
    for path, fault in spread(lambda path: (path, _record(root, path)), paths):
        if fault:
            yield path, fault, known.keys.get(_key(path))


def _record(root: Path, path: str) -> str:
    try:
        content = (root / path).read_bytes()
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    if not sealed.whole(content):
        return "record changed since it was written"
    return "" if sealed.key_of(content) == _key(path) else "record of another step"


def _key(path: str) -> bytes:
    """The key a record's folder is named by."""
    return bytes.fromhex(path.split("/")[-2])


def stored(root: Path, known: Inventory, keys: Iterable[bytes]) -> Iterator[Problem]:
    """Stored manifests must be those of the results they would restore, byte by byte."""
    store = Store(root)

    def check(key: bytes) -> tuple[str, str, int | None]:
        entry, step = store.entry(key.hex()), known.keys.get(key)
        name = entry.relative_to(root).as_posix()
        try:
            content = entry.read_bytes()
        except FileNotFoundError:
            return name, "", step  # removable: what is not stored is computed
        except OSError as error:
            return name, f"cannot be read ({error.strerror})", step
        if step is not None and hashlib.sha256(content).digest() == known.contents[step]:
            return name, "", step
        if not sealed.whole(content) or sealed.key_of(content) != key:
            return name, "stored manifest changed since it was written", step
        return name, "" if step is None else "stored manifest differs from the result's", step

    for found in spread(check, keys):
        if found[1]:
            yield found


def stored_keys(root: Path) -> Iterator[bytes]:
    """Keys of the manifests in the store."""
    for path in inventories.files(root, ".prov/index"):
        name = Path(path).name.removesuffix(".json")
        if re.fullmatch("[0-9a-f]{64}", name):
            yield bytes.fromhex(name)


def every_record(root: Path) -> Iterator[str]:
    """Records of all steps, those of former results among them."""
    yield from filter(is_record, inventories.files(root, record.FOLDER))


def records_of(root: Path, key: bytes) -> Iterator[str]:
    """Records of one step."""
    yield from inventories.files(root, f"{record.FOLDER}/{key.hex()[:2]}/{key.hex()}")


def is_record(path: str) -> bool:
    """Whether a file is where a record would be."""
    return _RECORD.fullmatch(path) is not None


def unrecorded(root: Path, known: Inventory) -> Iterator[Problem]:
    """Steps without any record."""
    for key, step in known.keys.items():
        if not any(is_record(path) for path in records_of(root, key)):
            fault = "no record says where and when this was computed"
            yield known.manifests[step], fault, step


def extra(
    root: Path, known: Inventory, paths: Iterable[str], notes: list[str]
) -> Iterator[Problem]:
    """Files below results/ that no manifest or record names, DVC's own apart."""
    parts = 0
    for path in paths:
        file = root / path
        made = known.output(path) is not None or is_record(path)
        in_folder = path.count("/") > 1 and not path.startswith(record.FOLDER)
        if made or (in_folder and path.endswith(layout.MANIFEST)):
            continue
        if _PART.fullmatch(file.name):
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
