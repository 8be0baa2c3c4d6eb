"""What files a dataset has, by content: a listing of hashes, and expected hashes to compare."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from medad.data.images import UNREADABLE, archive
from medad.errors import MedadError
from medad.files import read_csv, sha256, write_json

_SETTLED_NS = 2_000_000_000  # a younger file may change again within its clock tick: not cached
Cached = dict[str, tuple[int, int, str]]  # relative path -> size, mtime_ns, sha256


@dataclass(frozen=True)
class Difference:
    """How a listing differs from a catalog: relative paths, sorted."""

    missing: tuple[str, ...]
    extra: tuple[str, ...]
    changed: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.missing or self.extra or self.changed)

    def lines(self, most: int = 5) -> list[str]:
        """One line per kind of difference, naming at most ``most`` files each."""
        return [
            f"{len(paths)} {kind}: {', '.join(paths[:most])}{', ...' if len(paths) > most else ''}"
            for kind, paths in (
                ("missing", self.missing),
                ("extra", self.extra),
                ("changed", self.changed),
            )
            if paths
        ]


def listing(root: Path, cache: Path | None = None) -> dict[str, str]:
    """sha256 of every file under a folder or in a zip, by relative path with ``/``, sorted.

    Hidden files and folders (names starting with a dot) are ignored. ``cache`` is a file that
    remembers hashes by path, size and modification time, so that listing again costs one stat per
    file. Raises MedadError when ``root`` is absent, and for a file that cannot be read, a link that
    leaves ``root`` or leads nowhere and a link to a folder.
    """
    if root.is_file() and root.suffix.lower() == ".zip":
        return _zip_listing(root)
    if not root.is_dir():
        raise MedadError(f"{root}: no such folder; place the dataset there or set its root")
    known = _read_cache(cache, root)
    base = root.resolve()
    now = time.time_ns()
    fresh: Cached = {}
    for name, path in _walk(root, ""):
        if path.is_symlink():
            _require_inside(name, path, base)
        status = path.stat()
        size, mtime_ns, digest = known.get(name, (-1, -1, ""))
        current = (size, mtime_ns) == (status.st_size, status.st_mtime_ns)
        fresh[name] = (status.st_size, status.st_mtime_ns, digest if current else "")
    unknown = [name for name, (_, _, digest) in fresh.items() if not digest]
    with ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1)) as pool:
        hashes = pool.map(partial(_hashed, root), unknown)
        for name, digest in zip(unknown, hashes, strict=True):
            fresh[name] = (*fresh[name][:2], digest)
    if cache is not None and (unknown or known.keys() != fresh.keys()):
        settled = {name: row for name, row in fresh.items() if row[1] + _SETTLED_NS < now}
        write_json(cache, {"root": str(base), "files": settled})
    return {name: fresh[name][2] for name in sorted(fresh)}


def _require_inside(name: str, path: Path, base: Path) -> None:
    """MedadError unless a link is to a file of its own dataset, ``base``."""
    target = path.resolve()
    if not target.is_relative_to(base):
        raise MedadError(f"{name}: links to {target}, outside {base}; copy it into the folder")
    if not target.exists():
        raise MedadError(f"{name}: links to {target}, which is not there; restore it, or unlink")
    if target.is_dir():
        raise MedadError(f"{name}: links to the folder {target}; move or copy its files there")


def _hashed(root: Path, name: str) -> str:
    try:
        return sha256(root / name)
    except OSError as error:
        raise MedadError(
            f"{name} in {root}: cannot be read ({error.strerror}); make it readable, or move it "
            "away"
        ) from error


def _walk(folder: Path, prefix: str) -> Iterator[tuple[str, Path]]:
    """Files and links below ``folder`` with their relative names."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if entry.is_dir(follow_symlinks=False):
                yield from _walk(Path(entry.path), f"{prefix}{entry.name}/")
            elif entry.is_file() or entry.is_symlink():
                yield f"{prefix}{entry.name}", Path(entry.path)


def _zip_listing(root: Path) -> dict[str, str]:
    source = archive(root)
    names = [
        name
        for name in source.namelist()
        if not name.endswith("/") and not any(part.startswith(".") for part in name.split("/"))
    ]
    found = {}
    for name in sorted(names):
        try:
            found[name] = hashlib.sha256(source.read(name)).hexdigest()
        except (*UNREADABLE, OSError) as error:
            raise MedadError(
                f"{name} in {root}: damaged, or packed in a way that is not read ({error}); "
                "restore the zip, or unpack it into a folder"
            ) from error
    return found


def _read_cache(cache: Path | None, root: Path) -> Cached:
    """Cached rows; a cache that is absent, damaged or of another folder is no cache."""
    if cache is None:
        return {}
    try:
        content = json.loads(cache.read_bytes())
        if content["root"] != str(root.resolve()):
            return {}
        return {
            name: (int(size), int(mtime_ns), str(digest))
            for name, (size, mtime_ns, digest) in content["files"].items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def check(files: Mapping[str, str], catalog: Path) -> Difference:
    """Compare a listing with a catalog (CSV with columns file, sha256 and label).

    Rows without a label (masks) come with some copies of a dataset only: when none of them is
    there, none is missing. Files in folders that the catalog does not mention are not extra.
    """
    rows = read_csv(catalog)
    expected = {row["file"]: row["sha256"] for row in rows}
    optional = {row["file"] for row in rows if not row["label"]}
    if not optional & files.keys():
        expected = {name: digest for name, digest in expected.items() if name not in optional}
    folders = {name.rpartition("/")[0] for name in expected}
    return Difference(
        missing=tuple(sorted(expected.keys() - files.keys())),
        extra=tuple(
            sorted(
                name
                for name in files.keys() - expected.keys()
                if name.rpartition("/")[0] in folders
            )
        ),
        changed=tuple(sorted(n for n in expected.keys() & files.keys() if files[n] != expected[n])),
    )
