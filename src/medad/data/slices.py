"""From volumes to the axial slices that are images of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from medad.data import nifti
from medad.data.images import read_checked
from medad.data.readers import Entry
from medad.errors import MedadError


def reason(error: MedadError, path: str) -> str:
    """Text of an error about ``path`` without the path in front."""
    return str(error).removeprefix(f"{path}: ")


def expand(
    root: Path, files: Mapping[str, str], entries: Sequence[Entry]
) -> tuple[list[Entry], list[tuple[str, str]]]:
    """Entries with every volume replaced by its slices, and the volumes that cannot be read.

    An anomalous volume with a mask gives the slices that show the lesion; its others are neither
    healthy (the subject is not) nor anomalous. Any other volume gives the slices with content.
    """
    expanded: list[Entry] = []
    bad: list[tuple[str, str]] = []
    for entry in entries:
        if not nifti.is_volume(entry.path):
            expanded.append(entry)
            continue
        by_mask = nifti.is_volume(entry.mask)
        name = entry.mask if by_mask else entry.path
        try:
            content = read_checked(root, name, files[name])
            found = (nifti.slices_with_lesion if by_mask else nifti.slices_with_content)(content)
        except MedadError as error:
            bad.append((name, reason(error, name)))
            continue
        if not found:
            bad.append((name, f"no slice with {'a lesion' if by_mask else 'content'}"))
        expanded += [
            Entry(
                nifti.slice_path(entry.path, z),
                entry.label,
                nifti.slice_path(entry.mask, z) if by_mask else entry.mask,
            )
            for z in found
        ]
    return expanded, bad
