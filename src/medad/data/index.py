"""The index: one row per image, everything later steps need to know without opening it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from medad.data import nifti
from medad.data.decoding import decode, decode_mask
from medad.data.images import read_checked
from medad.data.leakage import dhash, leakage_groups, thumbnail
from medad.data.readers import ANOMALOUS, HEALTHY, Entry
from medad.data.slices import expand, reason
from medad.errors import MedadError

COLUMNS = (
    "path",
    "sha256",
    "size",
    "width",
    "height",
    "mode",
    "label",
    "part",
    "mask",
    "mask_sha256",
    "dhash",
    "group",
    "flags",
)


@dataclass(frozen=True)
class Index:
    """``columns``: the names of ``COLUMNS`` to equally long lists, sorted by path.

    ``skipped``: (path, reason) of every bad file left out.
    """

    columns: dict[str, list[Any]]
    skipped: list[tuple[str, str]]


@dataclass(frozen=True)
class _Seen:
    """One image after reading: its row, thumbnail and, when its mask is bad, why."""

    row: dict[str, Any]
    thumbnail: npt.NDArray[np.uint8]
    bad_mask: str


def build(
    root: Path,
    files: Mapping[str, str],
    entries: Sequence[Entry],
    *,
    side: int,
    correlation: float,
    on_bad: str = "stop",
    threads: int = 1,
    progress: Callable[[int, int, str], None] | None = None,
) -> Index:
    """Read every entry once and describe it.

    ``files``: relative path to sha256, from ``catalog.listing``. ``side``, ``correlation``: see
    ``leakage.similar_pairs``. A mask of another size than its image, or without a pixel inside, is
    not used: ``mask`` is "" and the flags say ``mask_size`` or ``mask_empty``. Raises MedadError
    naming every unreadable file with its reason when ``on_bad`` is "stop", and whenever nothing of
    one label is left; with "skip" they are left out and listed.
    """
    if on_bad not in {"stop", "skip"}:
        raise MedadError(f"data.on_bad is {on_bad!r}; allowed: stop, skip")
    seen: list[_Seen] = []
    skipped: list[tuple[str, str]] = []
    slices, bad_volumes = expand(root, files, entries)
    skipped += bad_volumes
    with ThreadPoolExecutor(max_workers=threads) as pool:
        results = pool.map(lambda entry: _read(root, files, entry, side), slices)
        for done, (entry, result) in enumerate(zip(slices, results, strict=True), start=1):
            if isinstance(result, str):
                skipped.append((entry.path, result))
            else:
                seen.append(result)
                if result.bad_mask:
                    skipped.append((entry.mask, result.bad_mask))
            if progress is not None:
                progress(done, len(slices), entry.path)
    if skipped and on_bad == "stop":
        listed = "".join(f"\n  {path}: {reason}" for path, reason in skipped)
        raise MedadError(
            f"{len(skipped)} bad files in {root}; repair or remove them, or set data.on_bad: skip "
            f"to leave them out:{listed}"
        )
    for label, name in ((HEALTHY, "healthy"), (ANOMALOUS, "anomalous")):
        if all(image.row["label"] != label for image in seen):
            raise MedadError(f"{root}: no readable {name} image; at least one is needed")
    seen.sort(key=lambda image: image.row["path"])
    groups = leakage_groups(
        [image.row["sha256"] for image in seen],
        np.stack([image.thumbnail for image in seen]),
        correlation,
    )
    rows = [{**image.row, "group": group} for image, group in zip(seen, groups, strict=True)]
    return Index({name: [row[name] for row in rows] for name in COLUMNS}, sorted(skipped))


def _read(root: Path, files: Mapping[str, str], entry: Entry, side: int) -> _Seen | str:
    """Read one image and its mask; the reason when the image is bad."""
    digest = files[nifti.file_of(entry.path)]
    try:
        content = read_checked(root, entry.path, digest)
        picture = decode(content, entry.path)
    except MedadError as error:
        return reason(error, entry.path)
    flags = set(picture.flags)
    height, width = picture.pixels.shape[:2]
    mask, mask_digest, bad_mask = "", "", ""
    if entry.mask:
        expected = files[nifti.file_of(entry.mask)]
        try:
            inside = decode_mask(read_checked(root, entry.mask, expected), entry.mask)
        except MedadError as error:
            bad_mask = reason(error, entry.mask)
            flags.add("mask_unreadable")
        else:
            if inside.shape != (height, width):
                flags.add("mask_size")
            elif not inside.any():
                flags.add("mask_empty")
            else:
                mask, mask_digest = entry.mask, expected
    row = {
        "path": entry.path,
        "sha256": digest,
        "size": len(content),
        "width": width,
        "height": height,
        "mode": picture.mode,
        "label": entry.label,
        "part": entry.part,
        "mask": mask,
        "mask_sha256": mask_digest,
        "dhash": dhash(picture.pixels),
        "flags": ";".join(sorted(flags)),
    }
    return _Seen(row, thumbnail(picture.pixels, side), bad_mask)
