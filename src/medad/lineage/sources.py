"""What no step makes: images, listings and weights given by the user, against their hashes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any

from medad import layout
from medad.errors import MedadError
from medad.files import read_json, sha256
from medad.lineage import manifest
from medad.lineage.inventory import Inventory, Problem
from medad.lineage.runner import SETTINGS
from medad.lineage.spread import spread

_INDEXES = "results/index/"


def files(
    root: Path, known: Inventory, chosen: Callable[[str], bool], notes: list[str]
) -> Iterator[Problem]:
    """Inputs that no step makes and that have changed; each file is read once for all readers."""
    hashes: dict[str, str] = {}
    for (path, wanted), steps in sorted(known.sources.items()):
        file = root / path
        if not chosen(path):
            continue
        if not file.is_file():
            notes.append(f"{path}: not here; known by hash {wanted.hex()[:12]}")
            continue
        if path not in hashes:
            hashes[path] = sha256(file)
        if hashes[path] != wanted.hex():
            for step in steps:
                made = known.path(step)
                fault = f"changed since {made} was made; Snakemake would make that again"
                yield path, fault, step


def images(
    root: Path,
    known: Inventory,
    wrong: Collection[str],
    chosen: Callable[[str], bool],
    notes: list[str],
) -> Iterator[Problem]:
    """Images that are not what an index says, by the path of their folder or zip and their own.

    An index that is ``wrong`` itself says nothing.
    """
    suffix = layout.SUFFIXES["index"]["index"]
    for path, made in list(known.outputs(_INDEXES)):
        if path.endswith(suffix) and path not in wrong:
            found = manifest.read(root / known.path(made.step))
            place = _place(root, found["identity"])
            if place is None:
                dataset = found["identity"]["dataset"]
                notes.append(f"{dataset}: images are not here; they are known by hash")
            elif chosen(place):
                try:
                    _require_readable(root / place)
                    yield from _images(root, place, root / path, made.step)
                except MedadError as error:
                    yield place, str(error), made.step


def _place(root: Path, identity: layout.Identity) -> str | None:
    """Where the images of a dataset lie: what the settings say, or what the phantom step made."""
    settings = root / SETTINGS
    locations = _locations(read_json(settings)) if settings.exists() else {}
    generated = layout.output("phantom", identity, "images")
    place = locations.get(str(identity["dataset"]))
    if place is None and (root / generated).is_file():
        return generated
    return None if place is None or not (root / place).exists() else str(place)


def _locations(settings: Any) -> dict[str, str]:
    found = settings.get("locations") if isinstance(settings, dict) else None
    if not isinstance(found, dict) or not all(isinstance(v, str) for v in found.values()):
        raise MedadError(f"{SETTINGS}: no locations of images in it; delete it and run again")
    return found


def _require_readable(place: Path) -> None:
    """One message for an archive that cannot be opened, not one for each of its images."""
    from medad.data.images import archive

    if place.is_file():
        archive(place)


def _images(root: Path, place: str, index: Path, step: int) -> Iterator[Problem]:
    from medad.data.images import open_bytes

    def check(item: tuple[str, str]) -> tuple[str, str]:
        path, wanted = item
        try:
            content = open_bytes(root / place, path)
        except (MedadError, RuntimeError, EOFError, ValueError, OSError) as error:
            return path, f"cannot be read: {error}"  # a damaged zip raises any of these
        same = hashlib.sha256(content).hexdigest() == wanted
        return path, "" if same else "changed since it was indexed"

    for path, fault in spread(check, _listed(index)):
        if fault:
            yield f"{place}/{path}", fault, step


def _listed(index: Path) -> Iterator[tuple[str, str]]:
    """(path, sha256) of every image and mask; a volume once for all its slices."""
    import pyarrow.parquet as pq

    columns = ["path", "sha256", "mask", "mask_sha256"]
    last = last_mask = ""
    with pq.ParquetFile(index, pre_buffer=False) as file:
        for batch in file.iter_batches(1024, columns=columns, use_threads=False):
            for path, known, mask, of_mask in zip(*batch.to_pydict().values(), strict=True):
                volume = path.partition("#")[0]
                if volume != last:
                    yield volume, known
                last, volume = volume, mask.partition("#")[0]
                if volume and volume != last_mask:
                    yield volume, of_mask
                last_mask = volume
