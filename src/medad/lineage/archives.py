"""The archives of a publication, which may come from anyone: read with care, put nowhere yet."""

from __future__ import annotations

import hashlib
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from medad import layout
from medad.errors import MedadError
from medad.files import Digest, digest
from medad.lineage import checked, rehash
from medad.lineage.store import copy

_CHUNK = 1 << 20  # bytes in memory at once
_TEXT = 8 << 20  # bytes of a manifest or record; the largest of ours has 140 kB
_FOREIGN = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, ValueError, struct.error)


@dataclass(frozen=True)
class Unpacked:
    """Steps by the path of their manifest, and where each file lies until it is placed, by the
    path it is to have below the project's root.

    Each file is what a manifest or a record of the same publication has to be, or says.
    """

    steps: Mapping[str, checked.Step]
    files: Mapping[str, Path]


@dataclass(frozen=True)
class _Member:
    archive: zipfile.ZipFile
    info: zipfile.ZipInfo

    @property
    def name(self) -> str:
        return f"{self.archive.filename}: {self.info.filename}"

    def blocks(self, limit: int) -> Iterator[bytes]:
        """Content up to ``limit`` bytes, whatever the archive says of its size."""
        if self.info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise MedadError(f"{self.name}: compressed otherwise than medad does; pack it anew")
        with readable(self.name), self.archive.open(self.info) as stream:
            while limit and (block := stream.read(min(limit, _CHUNK))):
                limit -= len(block)
                yield block


def unpack(folder: Path, target: Path) -> Unpacked:
    """Verify the published evidence of ``folder`` and write it into the new folder ``target``.

    Whatever is wrong is a MedadError: archives that are damaged or hold files that medad does not
    publish, manifests that are not their step's own, files that are not what their manifests say.
    """
    found = sorted(folder.glob("evidence/*.zip"))
    if not found:
        raise MedadError(f"{folder}: no evidence/*.zip; give a folder that `medad publish` wrote")
    target.mkdir()  # files are numbered there: a folder for each record takes long
    with ExitStack() as opened:
        members = _members(found, opened)
        steps: dict[str, checked.Step] = {}
        files: dict[str, Path] = {}
        for path, member in members.items():
            if path.endswith(layout.MANIFEST):
                content = _text(member)
                steps[path] = checked.step(content, path, member.name)
                files[path] = target / str(len(files))
                files[path].write_bytes(content)
        outputs = {path: made for step in steps.values() for path, made in step.outputs.items()}
        wrong = []
        for path, member in members.items():
            if path in steps:
                continue
            if path in outputs:
                files[path] = target / str(len(files))
                if not _extracted(member, outputs[path], files[path]):
                    wrong.append(path)
            elif not rehash.is_record(path):
                raise MedadError(f"{member.name}: no manifest in {folder} names this file")
            elif checked.is_whole_record(content := _text(member), path):
                files[path] = target / str(len(files))
                files[path].write_bytes(content)
            else:
                wrong.append(path)
    for path, picture in _pictures(folder, steps).items():
        if path in files:
            continue
        files[path] = target / str(len(files))
        if picture.stat().st_size == outputs[path].size:
            copy(picture, files[path])
        if not files[path].exists() or digest(files[path]) != outputs[path]:
            wrong.append(path)
    if wrong:
        raise checked.refusal(wrong, "refused: not what their manifests say")
    return Unpacked(steps, files)


@contextmanager
def readable(name: object) -> Iterator[None]:
    """Everything that reading an archive raises when it is none or damaged, as a MedadError."""
    try:
        yield
    except (*_FOREIGN, OSError) as error:
        raise MedadError(f"{name}: cannot be read as a zip archive ({error})") from error


def _members(archives: list[Path], opened: ExitStack) -> dict[str, _Member]:
    """Every file of the archives by its path; the folders that zip tools add are nothing to us."""
    found: dict[str, _Member] = {}
    for path in archives:
        with readable(path):
            archive = opened.enter_context(zipfile.ZipFile(path))
        for info in archive.infolist():
            member, name = _Member(archive, info), info.filename
            if info.is_dir():
                continue
            parts = name.split("/")
            if parts[0] != "results" or not {"", ".", ".."}.isdisjoint(parts):
                raise MedadError(f"{member.name}: an archive may only hold files below results/")
            if checked.output(name) is None and not rehash.is_record(name):
                raise MedadError(f"{member.name}: not a file that medad publishes")
            if name in found:
                raise MedadError(f"{member.name}: comes twice; keep one of them")
            found[name] = member
    return found


def _pictures(folder: Path, steps: Mapping[str, checked.Step]) -> dict[str, Path]:
    """Figures lie beside the archives alone."""
    figures = (path for step in steps.values() if step.kind == "figure" for path in step.outputs)
    beside = {path: folder / PurePosixPath(path).name for path in figures}
    return {path: picture for path, picture in beside.items() if picture.is_file()}


def _text(member: _Member) -> bytes:
    """A manifest or a record, whose size nothing tells."""
    content = b"".join(member.blocks(_TEXT + 1))
    if len(content) > _TEXT:
        raise MedadError(f"{member.name}: larger than any manifest or record of medad")
    return content


def _extracted(member: _Member, made: Digest, target: Path) -> bool:
    """Write an output, at most one byte more than it should have; whether it is what was made."""
    if member.info.file_size != made.size:
        return False
    sha256, md5, size = hashlib.sha256(), hashlib.md5(usedforsecurity=False), 0
    with target.open("wb") as stream:
        for block in member.blocks(made.size + 1):
            sha256.update(block)
            md5.update(block)
            size += stream.write(block)
    return Digest(sha256.hexdigest(), md5.hexdigest(), size) == made
