"""What became of every file of a dataset: used as an image or a mask, or why not."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from medad.data import nifti
from medad.data.readers import ANOMALOUS, Entry, is_image, mask_files


def account(
    files: Collection[str],
    entries: Sequence[Entry],
    columns: Mapping[str, Sequence[Any]],
    skipped: Sequence[tuple[str, str]],
) -> dict[str, Any]:
    """Numbers of files, which sum to ``files``; and of images, more where volumes have slices.

    ``entries``: of the reader. ``columns``: of the index. ``skipped``: (path, reason) of bad files.
    ``unused`` names what no other number holds, by suffix, such as tables or images outside the
    layout's folders.
    """
    images = {nifti.file_of(path) for path in columns["path"]}
    masks = {nifti.file_of(path) for path in columns["mask"] if path}
    bad = {nifti.file_of(path) for path, _ in skipped} - images - masks
    listed = {nifti.file_of(entry.path) for entry in entries} - images - bad
    loose = set(mask_files(list(files))) - masks - images - bad
    rest = set(files) - images - masks - bad - listed - loose
    unused: dict[str, int] = {}
    for file in sorted(rest):
        what = "image" if is_image(file) else PurePosixPath(file).suffix.lower() or "no suffix"
        unused[what] = unused.get(what, 0) + 1
    anomalous = sum(label == ANOMALOUS for label in columns["label"])
    return {
        "files": len(files),
        "used_as_images": len(images),
        "used_as_masks": len(masks),
        "masks_of_no_image": len(loose),
        "left_out_as_bad": len(bad | listed),
        "unused": unused,
        "images": {
            "healthy": len(columns["label"]) - anomalous,
            "anomalous": anomalous,
            "with_mask": sum(bool(mask) for mask in columns["mask"]),
        },
    }
