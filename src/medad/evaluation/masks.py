"""Lesion masks at the size of the maps they are compared with."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from medad.data.frame import Frame, load_mask_frame
from medad.files import read_parquet

Pixels = NDArray[np.bool_]


def mask_files(index: Path) -> dict[str, tuple[str, str]]:
    """Image path to (mask path, mask sha256) for the images of an index that have a mask."""
    columns = read_parquet(index)
    rows = zip(columns["path"], columns["mask"], columns["mask_sha256"], strict=True)
    return {path: (mask, digest) for path, mask, digest in rows if mask}


def square_mask(
    root: Path, files: Mapping[str, tuple[str, str]], path: str, frame: Frame
) -> Pixels | None:
    """Mask (side, side) of the image ``path``, true inside the lesion, by nearest pixel.

    None when the image has no mask, or one with no pixel left at this size: such an image says
    nothing about where its lesion is. Raises MedadError when the mask file has changed.
    """
    if path not in files:
        return None
    mask = load_mask_frame(root, *files[path], frame)
    return np.asarray(mask > 0) if mask.any() else None
