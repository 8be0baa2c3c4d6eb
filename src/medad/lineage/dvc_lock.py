"""Whether DVC's committed stages are the files here: `dvc.lock` against content."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from medad.errors import MedadError
from medad.files import digest
from medad.lineage.inventory import Inventory, Output, Problem
from medad.lineage.spread import spread
from medad.lineage.store import Store

LOCK = "dvc.lock"


def compare(
    root: Path,
    known: Inventory,
    wrong: Mapping[str, int | None],
    chosen: Callable[[str], bool],
    notes: list[str],
) -> Iterator[Problem]:
    """Committed files that are ``wrong`` here (path -> step) by their manifests too.

    A committed stage may be older than results that agree with their own manifests: this is noted.
    MedadError when the file is no lock of DVC's.
    """

    def here(entry: tuple[str, str, Output | None]) -> tuple[str, str, str | None]:
        path, md5, made = entry
        return path, md5, _md5(root / path) if made is None else made.md5.hex()

    for stage, outs in sorted(_stages(root).items()):
        older = absent = 0
        entries = (
            (path, md5, None if path in wrong else known.output(path))
            for path, md5 in _listed(root, stage, outs, notes)
            if chosen(path)
        )
        for path, md5, found in spread(here, entries):
            if found != md5 and path in wrong:
                state = "and it is missing" if found is None else f"and it is {found}"
                yield path, f"dvc.lock says md5 {md5} (stage {stage}), {state}", wrong[path]
            absent += found is None and path not in wrong
            older += found not in (None, md5) and path not in wrong
        if older:
            notes.append(
                f"dvc.lock: stage {stage} was committed with other versions of {older} files; "
                f"`medad dvc commit {stage}` commits those here"
            )
        if absent:
            notes.append(f"dvc.lock: stage {stage} has {absent} files that are no results here")


def _listed(
    root: Path, stage: str, outs: list[dict[str, Any]], notes: list[str]
) -> Iterator[tuple[str, str]]:
    """(path, md5) of each file of a stage's outputs below results/."""
    for out in outs:
        path, md5 = str(out.get("path")), str(out.get("md5"))
        if out.get("hash") != "md5" or not _inside(path):
            continue  # of an old DVC, which hashed other bytes, or no result
        if not md5.endswith(".dir"):
            yield path, md5
            continue
        blob = Store(root).blob(md5)
        content = blob.read_bytes() if blob.is_file() else b""
        if hashlib.md5(content, usedforsecurity=False).hexdigest() != md5.removesuffix(".dir"):
            state = "changed" if content else "not"
            notes.append(
                f"dvc.lock: {path} (stage {stage}) is {state} in DVC's cache; not compared"
            )
            continue
        for entry in json.loads(content):
            name = f"{path}/{entry['relpath']}"
            if _inside(name):
                yield name, str(entry["md5"])


def _inside(path: str) -> bool:
    parts = PurePosixPath(path).parts
    return parts[:1] == ("results",) and ".." not in parts


def _md5(file: Path) -> str | None:
    try:
        return digest(file).md5
    except OSError:
        return None


def _stages(root: Path) -> dict[str, list[dict[str, Any]]]:
    file = root / LOCK
    if not file.is_file():
        return {}
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        found = yaml.load(file.read_bytes(), Loader=loader)
        return {
            str(name): [dict(out) for out in stage.get("outs", ())]
            for name, stage in found["stages"].items()
        }
    except (yaml.YAMLError, KeyError, TypeError, ValueError, AttributeError) as error:
        reason = str(error).splitlines()[0]
        raise MedadError(f"{file.name}: no lock of DVC's ({reason}); restore it from git") from None
