"""Take over artifacts that came from elsewhere: verify all of it first, then place and index it."""

from __future__ import annotations

import filecmp
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from medad import layout
from medad.errors import MedadError
from medad.files import Digest, canonical_json, digest, write_bytes
from medad.lineage import checked
from medad.lineage.archives import Unpacked, unpack
from medad.lineage.graph import Graph
from medad.lineage.placing import place, prepared
from medad.lineage.publish import evidence
from medad.lineage.store import Store
from medad.lineage.unpublished import UNPUBLISHED, unpublished

__all__ = ["Adopted", "adopt", "evidence"]


@dataclass(frozen=True)
class Adopted:
    """How many files were placed, how many steps are complete, and how many are known by their
    manifest alone."""

    placed: int
    complete: int
    partial: int


@dataclass(frozen=True)
class _Verified:
    """``steps``: all. ``complete``: those with all their outputs. ``here``: files and what they
    are. ``absent``: outputs of published steps that are neither published nor here, by hash."""

    steps: list[checked.Step] = field(default_factory=list)
    complete: list[checked.Step] = field(default_factory=list)
    here: list[tuple[Path, Digest]] = field(default_factory=list)
    absent: dict[str, str] = field(default_factory=dict)


def adopt(root: Path, folder: Path | None = None) -> Adopted:
    """Verify every result below ``root``, and make complete steps findable by their key.

    With ``folder``, which `medad publish` wrote, its evidence is verified with them and placed.
    MedadError for whatever is not what its manifest says, for another version of a file that is
    here, and for folders that cannot be written; then the project is as it was before. What the
    publication leaves out and is not here is noted as ``unpublished``.
    """
    try:
        with prepared(Store(root).temporary) as temporary:
            published = Unpacked({}, {})
            if folder is not None:
                published = unpack(folder, temporary / "files")
            verified = _verified(root, published)
            results = [
                (file, root / path)
                for path, file in published.files.items()
                if not (root / path).exists()
            ]
            state = list(_prepared(_state(root, published, verified), temporary / "state"))
            for file, content in verified.here:
                Store(root).put(file, content)
            (temporary / "aside").mkdir()
            place([*results, *state], temporary / "aside")
    except OSError as error:
        message = f"{error.filename or root}: cannot be read or written ({error.strerror})"
        raise MedadError(message) from error
    complete = len(verified.complete)
    return Adopted(len(results), complete, len(verified.steps) - complete)


def _verified(root: Path, published: Unpacked) -> _Verified:
    """Every step that will be here, and the files it made, where they lie now."""
    found, wrong = _Verified(), list[str]()
    others = [
        path
        for path, file in published.files.items()
        if (root / path).exists() and not filecmp.cmp(file, root / path, shallow=False)
    ]
    for path in sorted({*Graph(root).paths, *published.steps}):
        foreign = path in published.steps
        step = published.steps[path] if foreign else _own(root, path)
        here = True
        for output, content in step.outputs.items():
            file = _source(root, published, output)
            if not file.is_file():
                here = False
                if foreign:
                    found.absent[output] = content.sha256
            elif output not in published.files and digest(file) != content:
                (others if foreign else wrong).append(output)
            else:
                found.here.append((file, content))
        found.steps.append(step)
        if here:
            found.complete.append(step)
    if others:
        raise checked.refusal(others, "another version is here; move results/ away first")
    if wrong:
        raise checked.refusal(wrong, "refused: not what their manifests say")
    return found


def _own(root: Path, path: str) -> checked.Step:
    return checked.step((root / path).read_bytes(), path, path)


def _source(root: Path, published: Unpacked, path: str) -> Path:
    """Where a file lies that is, or is to be, at ``path``."""
    return published.files.get(path, root / path)


def _state(root: Path, published: Unpacked, verified: _Verified) -> Iterator[tuple[Path, bytes]]:
    """What is to be in .prov beside the results: listings, manifests by key, what is left out."""
    for step in verified.steps:
        yield from _listing(root, published, step)
    store = Store(root)
    for step in verified.complete:
        yield store.entry(step.key), _source(root, published, step.path).read_bytes()
    known = {**unpublished(root), **verified.absent}
    away = {
        path: sha256
        for path, sha256 in known.items()
        if path not in published.files and not (root / path).is_file()
    }
    if known or published.steps:
        yield root / UNPUBLISHED, canonical_json(away)


def _listing(root: Path, published: Unpacked, step: checked.Step) -> Iterator[tuple[Path, bytes]]:
    """The list of a dataset's files where it is not here, so that absent images stay known by hash.

    MedadError for one that is no such list.
    """
    if step.kind != "index":
        return
    path = layout.output("index", step.identity, "listing")
    file, target = _source(root, published, path), root / layout.LISTING.format(**step.identity)
    if path not in step.outputs or not file.is_file() or target.exists():
        return
    try:
        found = json.loads(content := file.read_bytes())
    except (ValueError, RecursionError):
        found = None
    files = found.get("files") if isinstance(found, dict) else None
    if not isinstance(files, dict) or not all(isinstance(one, str) for one in files.values()):
        raise MedadError(f"{path}: refused: not a list of files with their hashes")
    yield target, content


def _prepared(state: Iterator[tuple[Path, bytes]], folder: Path) -> Iterator[tuple[Path, Path]]:
    """Each content as a file in ``folder``, with its target, where that is not the same already."""
    for number, (target, content) in enumerate(state):
        if not target.is_file() or target.read_bytes() != content:
            write_bytes(folder / str(number), content)
            yield folder / str(number), target
