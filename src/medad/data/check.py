"""What medad would make of a folder of images, before anything is run: ``medad data check``."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from medad.data.account import account
from medad.data.catalog import listing
from medad.data.index import Index, build
from medad.data.readers import (
    HEALTHY,
    Entry,
    brain_mri,
    busi,
    covid_xray,
    folder,
    is_image,
    mask_files,
    sipakmed,
)
from medad.errors import MedadError

Reader = Callable[[Sequence[str]], list[Entry]]
READERS: dict[str, Reader] = {
    "folder": folder,
    "brain_mri": brain_mri,
    "busi": busi,
    "covid_xray": covid_xray,
    "sipakmed": sipakmed,
}
_MOST = 8  # names listed per kind of problem


@dataclass(frozen=True)
class Report:
    """``lines``: text for a person. ``ok``: whether a run with ``on_bad: stop`` would start."""

    lines: list[str]
    ok: bool


def check_folder(
    path: Path, *, side: int = 64, correlation: float = 0.99, threads: int = 1
) -> Report:
    """Read every image under ``path`` (a folder or a zip) and report what would be used.

    The layout is recognised among those of ``READERS``. ``side`` and
    ``correlation`` as in ``leakage``. Problems are part of the report, not raised.
    """
    try:
        files = listing(path)
        name, entries = _recognise(list(files))
    except MedadError as error:
        return Report([f"problem: {error}"], ok=False)
    lines = [f"{path}: {len(files)} files, layout of the reader {name}"]
    try:
        index = build(
            path,
            files,
            entries,
            side=side,
            correlation=correlation,
            on_bad="skip",
            threads=threads,
        )
    except MedadError as error:
        return Report([*lines, f"problem: {error}"], ok=False)
    lines += _used(index)
    lines += _unused(files, entries)
    lines += [_accounted(account(files, entries, index.columns, index.skipped))]
    lines += _copies(index)
    lines += [f"problem: {bad}: {reason}" for bad, reason in index.skipped]
    if index.skipped:
        lines.append("repair or remove these files, or set data.on_bad: skip to leave them out")
    return Report(lines, ok=not index.skipped)


def _recognise(files: Sequence[str]) -> tuple[str, list[Entry]]:
    """The first reader that finds its folders; the error of the general one when none does."""
    for name, reader in READERS.items():
        try:
            return name, reader(files)
        except MedadError:
            continue
    return "folder", folder(files)


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:_MOST]) + (f" and {len(names) - _MOST} more" * (len(names) > _MOST))


def _used(index: Index) -> list[str]:
    columns = index.columns
    healthy = columns["label"].count(HEALTHY)
    masks = sum(bool(mask) for mask in columns["mask"])
    flags: dict[str, list[str]] = defaultdict(list)
    for path, text in zip(columns["path"], columns["flags"], strict=True):
        for flag in filter(None, text.split(";")):
            flags[flag].append(path)
    modes = Counter(columns["mode"]).most_common()
    sizes = set(zip(columns["width"], columns["height"], strict=True))
    return [
        f"used: {healthy} healthy and {len(columns['label']) - healthy} anomalous images, "
        f"{masks} of the latter with a mask",
        f"sizes: {_range(columns['width'])} wide, {_range(columns['height'])} high, "
        f"{len(sizes)} different",
        f"modes: {', '.join(f'{count} {mode}' for mode, count in modes)}",
        *(f"note: {_MEANING[flag]}: {_some(paths)}" for flag, paths in sorted(flags.items())),
    ]


_MEANING = {
    "alpha": "transparency, composited on black",
    "constant": "all pixels equal",
    "deep": "more than 8 bits, mapped by percentiles 0.5 and 99.5",
    "mask_empty": "mask without a pixel inside, not used",
    "mask_size": "mask of another size than its image, not used",
    "mask_unreadable": "mask that cannot be read",
    "palette": "palette, converted to RGB",
    "suffix": "the content is of another format than the name says",
}


def _range(values: Sequence[Any]) -> str:
    return f"{min(values)} to {max(values)} px (median {median(values):g})"


def _unused(files: Sequence[str] | dict[str, str], entries: Sequence[Entry]) -> list[str]:
    masks = mask_files(list(files))
    taken = {entry.mask for entry in entries}
    loose = [mask for mask in masks if mask not in taken]
    known = {entry.path for entry in entries} | set(masks)
    other = sorted(file for file in files if file not in known)
    ignored_images = [file for file in other if is_image(file)]
    lines = []
    if loose:
        lines.append(
            "note: masks that match no anomalous image, by full name or by a stem of its own: "
            + _some(loose)
        )
    if ignored_images:
        lines.append(f"note: images outside the folders of this layout: {_some(ignored_images)}")
    if len(other) > len(ignored_images):
        rest = [file for file in other if file not in set(ignored_images)]
        lines.append(f"note: other files, not used: {_some(rest)}")
    return lines


def _accounted(found: Mapping[str, Any]) -> str:
    """Every file, by what became of it."""
    unused = ", ".join(f"{count} {what}" for what, count in found["unused"].items())
    return (
        f"files: {found['files']} seen; {found['used_as_images']} used as images, "
        f"{found['used_as_masks']} as masks; not used: {found['masks_of_no_image']} masks, "
        f"{found['left_out_as_bad']} bad, {sum(found['unused'].values())} others"
        f"{f' ({unused})' if unused else ''}"
    )


def _copies(index: Index) -> list[str]:
    columns = index.columns
    members: dict[int, list[int]] = defaultdict(list)
    for row, group in enumerate(columns["group"]):
        members[group].append(row)
    healthy = {g for g, label in zip(columns["group"], columns["label"], strict=True) if not label}
    repeated = [rows for rows in members.values() if len(rows) > 1]
    lines = [
        f"leakage groups: {len(members)}, of which {len(healthy)} have healthy images; "
        f"{sum(map(len, repeated))} images are copies or near copies in {len(repeated)} groups"
    ]
    largest = sorted(repeated, key=len, reverse=True)[:_MOST]
    lines += [f"  copies: {_some([columns['path'][row] for row in rows])}" for rows in largest]
    lines += [f"  and {len(repeated) - _MOST} more groups"] * (len(repeated) > _MOST)
    mixed = [rows for rows in repeated if len({columns["label"][row] for row in rows}) > 1]
    lines += [
        f"note: healthy and anomalous at once: {_some([columns['path'][row] for row in rows])}"
        for rows in mixed
    ]
    return lines
