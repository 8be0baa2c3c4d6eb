"""What the manifests say there should be: of each, only what links and blame need.

Manifests are read in the order in which steps follow each other, so that what a step read is known
when its manifest comes, and is compared at once instead of kept.
"""

from __future__ import annotations

import json
import os
import struct
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from medad import layout
from medad.errors import MedadError
from medad.lineage import manifest, sealed
from medad.lineage.spread import spread

Problem = tuple[str, str, int | None]  # path, what is wrong, the step it belongs to
_OUTPUT = struct.Struct(">32s16sQI")
_AT_ONCE = 1 << 16  # bytes
_FOLDERS = tuple(dict.fromkeys(stem.split("/")[1] for stem in layout.STEMS.values()))


class Output(NamedTuple):
    """What a file of a step should be, and the number of the step."""

    sha256: bytes
    md5: bytes
    size: int
    step: int


class Summary(NamedTuple):
    """One manifest, read; ``problem`` is empty for a good one. Digests are bytes."""

    path: str
    problem: str
    key: bytes = b""
    inputs: tuple[tuple[str, bytes], ...] = ()
    outputs: tuple[tuple[str, bytes, bytes, int], ...] = ()
    digest: bytes = b""  # the manifest's own


@dataclass
class Inventory:
    """Steps are numbered; ``manifests[n]`` is the path of step n's manifest.

    ``keys`` (32 bytes -> step) and ``digests`` are of good manifests; ``damaged`` are the others
    and those that are missing; ``sources`` the inputs that no step makes: (path, sha256) -> the
    steps that read it.
    """

    root: Path
    manifests: list[str] = field(default_factory=list)
    keys: dict[bytes, int] = field(default_factory=dict)
    digests: list[bytes] = field(default_factory=list)
    damaged: dict[str, int] = field(default_factory=dict)
    sources: dict[tuple[str, bytes], list[int]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    parents: array[int] = field(default_factory=lambda: array("I"))  # the step read from, and
    children: array[int] = field(default_factory=lambda: array("I"))  # the one that read it
    _outputs: dict[str, bytes] = field(default_factory=dict)
    _pending: list[tuple[int, str, bytes]] = field(default_factory=list)

    def output(self, path: str) -> Output | None:
        """What a file below results/ should be; None for one that no manifest names."""
        found = self._outputs.get(path)
        return None if found is None else Output(*_OUTPUT.unpack(found))

    def names(self, path: str) -> bool:
        """Whether a manifest names this file as an output."""
        return path in self._outputs

    def outputs(self) -> Iterator[tuple[str, Output]]:
        """Every file that a manifest names."""
        for path, found in self._outputs.items():
            yield path, Output(*_OUTPUT.unpack(found))

    def links(self) -> Iterator[tuple[int, int]]:
        """(step, a step that read what it made)."""
        return zip(self.parents, self.children, strict=True)

    def add(self, found: Summary) -> None:
        """The next manifest."""
        step = self._number(found.path, found.digest)
        if found.problem:
            self.damaged[found.path] = step
            self.problems.append((found.path, found.problem, step))
        else:
            self.keys[found.key] = step
        for path, sha256, md5, size in found.outputs:
            self._outputs[path] = _OUTPUT.pack(sha256, md5, size, step)
        for path, sha256 in found.inputs:
            made = self._outputs.get(path)
            if made is None:
                self._pending.append((step, path, sha256))
            else:
                self._link(step, path, sha256, made)

    def close(self) -> None:
        """After the last manifest: inputs of which none of those before said who makes them."""
        for step, path, sha256 in self._pending:
            made, maker = self._outputs.get(path), manifest.beside(path)
            if made is not None:
                self._link(step, path, sha256, made)
            elif maker is None:
                self.sources.setdefault((path, sha256), []).append(step)
            elif (self.root / maker).is_file() and maker not in self.damaged:
                reader = self.manifests[step]
                self.problems.append((reader, f"rests on {path}, which {maker} lacks", step))
            else:
                if maker not in self.damaged:
                    self.problems.append((maker, "missing", self.lost(maker)))
                self._join(self.damaged[maker], step)
        self._pending.clear()

    def lost(self, maker: str) -> int:
        """The number of a step whose manifest is not here."""
        if maker not in self.damaged:
            self.damaged[maker] = self._number(maker, b"")
        return self.damaged[maker]

    def _number(self, path: str, digest: bytes) -> int:
        self.manifests.append(path)
        self.digests.append(digest)
        return len(self.manifests) - 1

    def _link(self, step: int, path: str, sha256: bytes, made: bytes) -> None:
        self._join(_OUTPUT.unpack(made)[3], step)
        reader = self.manifests[step]
        if made[:32] != sha256 and reader not in self.damaged:
            fault = f"was made from another version of {path}; Snakemake would make it again"
            self.problems.append((reader, fault, step))

    def _join(self, maker: int, reader: int) -> None:
        self.parents.append(maker)
        self.children.append(reader)


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


def summary(root: Path, path: str) -> Summary:
    """What one manifest says; of a damaged one its inputs, if they can be read, for blame alone."""
    try:
        content = read(f"{root}/{path}")
    except OSError as error:
        return Summary(path, f"cannot be read ({error.strerror})")
    digest = sealed.digest(content)
    if digest is None:
        return Summary(path, "manifest changed since it was written", inputs=_told(content))
    try:
        return _summary(path, content, digest)
    except (KeyError, ValueError, TypeError, AttributeError):
        return Summary(path, "not a manifest of medad", inputs=_told(content))


def read(path: str) -> bytes:
    """A small file; a quarter of the time that the open file of Python takes."""
    file = os.open(path, os.O_RDONLY)
    try:
        content = found = os.read(file, _AT_ONCE)
        while len(found) == _AT_ONCE:
            content += (found := os.read(file, _AT_ONCE))
    finally:
        os.close(file)
    return content


def _summary(path: str, content: bytes, digest: bytes) -> Summary:
    told = sealed.told(content)
    found = json.loads(content if told is None else told.text)
    key = bytes.fromhex(found["key"])
    if (told is None or told.key != key) and not manifest.consistent(json.loads(content)):
        fault = "manifest's key is not that of its own content"
        return Summary(path, fault, inputs=_told(content))
    kind, outputs = found["kind"], found["outputs"]
    stem, suffixes = layout.stem(kind, found["identity"]), layout.SUFFIXES[kind]
    if path != stem + layout.MANIFEST or any(
        item["path"] != stem + suffixes[name] for name, item in outputs.items()
    ):
        return Summary(path, f"is the manifest of {stem}", inputs=_told(content))
    made = tuple(_output(item) for item in outputs.values())
    return Summary(path, "", key, _inputs(found["inputs"]), made, digest)


def _inputs(found: dict[str, dict[str, Any]]) -> tuple[tuple[str, bytes], ...]:
    inputs = tuple((item["path"], bytes.fromhex(item["sha256"])) for item in found.values())
    if not all(isinstance(path, str) for path, _ in inputs):
        raise TypeError("a path that is no text")
    return inputs


def _output(item: dict[str, Any]) -> tuple[str, bytes, bytes, int]:
    if not 0 <= item["size"] < 1 << 63:
        raise ValueError("a size that no file has")
    sha256, md5 = bytes.fromhex(item["sha256"]), bytes.fromhex(item["md5"])
    return item["path"], sha256, md5, item["size"]


def _told(content: bytes) -> tuple[tuple[str, bytes], ...]:
    """Inputs of a damaged manifest, as far as it still is one."""
    try:
        return _inputs(json.loads(content)["inputs"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return ()


def entries(folder: str) -> list[os.DirEntry[str]]:
    """What a folder holds, sorted; nothing for one that is not there."""
    try:
        with os.scandir(folder) as opened:
            found = list(opened)
    except FileNotFoundError:
        return []
    return found if len(found) < 2 else sorted(found, key=lambda entry: entry.name)
