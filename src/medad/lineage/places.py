"""Where a result is read from: a project's folder, a publication, or a revision (`revision`).

Everything a comparison reads goes through one small interface, so that what lies in an archive or
in DVC's cache is never unpacked into the project.
"""

from __future__ import annotations

import json
import zipfile
import zlib
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any, Protocol

from medad import layout
from medad.errors import MedadError
from medad.files import parse_parquet


class Place(Protocol):
    """Files below results/, by their path relative to the project's root."""

    @property
    def name(self) -> str:
        """What the user is told."""
        ...

    def has(self, path: str) -> bool:
        """Whether the file can be read here."""
        ...

    def read(self, path: str) -> bytes:
        """Content of a file; MedadError saying what to do when it is not here."""
        ...

    def under(self, folder: str) -> list[str]:
        """Every file below a folder, sorted; none when there is no such folder."""
        ...


class Folder:
    """The results of a project as they lie in its folder."""

    def __init__(self, root: Path, name: str) -> None:
        self.root = root
        self.name = name

    def has(self, path: str) -> bool:
        return inside(path) and (self.root / path).is_file()

    def read(self, path: str) -> bytes:
        if not self.has(path):
            raise MedadError(f"{path}: not in {self.name}; make it, or restore it")
        return (self.root / path).read_bytes()

    def under(self, folder: str) -> list[str]:
        found = (self.root / folder).rglob("*") if inside(folder) else ()
        return sorted(p.relative_to(self.root).as_posix() for p in found if p.is_file())


class Publication:
    """A folder that `medad publish` wrote: evidence/*.zip, and what was asked for beside it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.name = folder.as_posix()

    @staticmethod
    def at(folder: Path) -> bool:
        """Whether a folder is one."""
        return any(folder.glob("evidence/*.zip"))

    @cached_property
    def _members(self) -> dict[str, tuple[zipfile.ZipFile, str]]:
        found = {}
        for file in sorted(self.folder.glob("evidence/*.zip")):
            try:
                archive = zipfile.ZipFile(file)
            except zipfile.BadZipFile as error:
                raise MedadError(f"{file}: not a zip archive ({error}); publish again") from error
            found.update({name: (archive, name) for name in archive.namelist() if inside(name)})
        return found

    @cached_property
    def _pictures(self) -> dict[str, Path]:
        """Figures lie beside the archives alone."""
        found = {}
        for name in self._members:
            made = layout.parse(name)
            if made is not None and made[0] == "figure":
                picture = layout.output(*made, "figure")
                beside = self.folder / PurePosixPath(picture).name
                if beside.is_file():
                    found[picture] = beside
        return found

    def has(self, path: str) -> bool:
        return path in self._members or path in self._pictures

    def read(self, path: str) -> bytes:
        if path in self._pictures:
            return self._pictures[path].read_bytes()
        if path not in self._members:
            raise MedadError(f"{path}: not published in {self.name}; known by its hash alone")
        archive, name = self._members[path]
        try:
            return archive.read(name)
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError) as error:
            raise MedadError(f"{archive.filename}: {name} is damaged ({error})") from error

    def under(self, folder: str) -> list[str]:
        return sorted(name for name in self._members if name.startswith(f"{folder}/"))

    def asked(self) -> list[str]:
        """Manifests of the results it was published for: those that no other step here reads."""
        manifests = [path for path in self.under("results") if path.endswith(layout.MANIFEST)]
        read = set()
        for path in manifests:
            for item in read_json(self, path)["inputs"].values():
                made = layout.parse(item["path"])
                if made is not None:
                    read.add(layout.manifest(*made))
        return [path for path in manifests if path not in read]


def inside(path: str) -> bool:
    """Whether a path, which may come from anyone's manifest, stays below results/."""
    parts = PurePosixPath(path).parts
    return bool(parts) and parts[0] == "results" and ".." not in parts


def read_json(place: Place, path: str) -> Any:
    """Parsed JSON of a place; MedadError naming the file when it is damaged."""
    try:
        return json.loads(place.read(path))
    except ValueError as error:
        raise MedadError(f"{path} in {place.name}: not valid JSON ({error})") from error


def read_parquet(place: Place, path: str, columns: Sequence[str]) -> dict[str, list[Any]]:
    """Some columns of a Parquet file of a place; MedadError when it cannot be read."""
    found = parse_parquet(place.read(path), f"{path} in {place.name}", columns)
    missing = [name for name in columns if name not in found]
    if missing:
        raise MedadError(f"{path} in {place.name}: no column {', '.join(missing)}")
    return found
