"""Axial slices of NIfTI volumes, in one orientation whatever the file's axes are."""

from __future__ import annotations

import gzip
import re
import zlib
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from medad.errors import MedadError

SUFFIXES = (".nii", ".nii.gz")
_SLICE = re.compile(r"(?P<file>.+\.nii(?:\.gz)?)#z=(?P<z>\d+)", re.IGNORECASE | re.DOTALL)
_LOW, _HIGH = 0.5, 99.5  # percentiles of the intensity window
_CONTENT, _BRIGHT = 0.05, 26  # a slice with content: this share of pixels is this bright


def is_volume(path: str) -> bool:
    """Whether ``path`` names a NIfTI file (not a slice of one)."""
    return path.lower().endswith(SUFFIXES)


def slice_path(file: str, z: int) -> str:
    """Name of one axial slice, such as ``vol.nii.gz#z=12``; z counts from the feet, from 0."""
    return f"{file}#z={z}"


def parse(path: str) -> tuple[str, int] | None:
    """File and z of a slice name, or None when ``path`` is an ordinary file."""
    match = _SLICE.fullmatch(path)
    return (match["file"], int(match["z"])) if match else None


def file_of(path: str) -> str:
    """The file that holds an image: itself, or the volume of a slice."""
    parsed = parse(path)
    return parsed[0] if parsed else path


@lru_cache(maxsize=2)  # the slices of a volume are asked for one after another
def volume(content: bytes) -> npt.NDArray[Any]:
    """Voxels (X, Y, Z) with axes right, anterior, superior (nibabel's closest canonical).

    ``content`` is the file, gzipped or not. Raises MedadError for damaged files and for anything
    but three dimensions of numbers (trailing ones of length 1 are dropped). The array is read-only.
    """
    import nibabel
    from nibabel.filebasedimages import ImageFileError
    from nibabel.spatialimages import HeaderDataError
    from nibabel.wrapstruct import WrapStructError

    damage = (OSError, EOFError, zlib.error, ValueError, OverflowError)
    try:
        raw = gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content
        image = nibabel.Nifti1Image.from_bytes(raw)
        voxels: npt.NDArray[Any] = np.asarray(nibabel.as_closest_canonical(image).dataobj)
    except (*damage, ImageFileError, HeaderDataError, WrapStructError) as error:
        raise MedadError(f"cannot be read as NIfTI ({error})") from error
    while voxels.ndim > 3 and voxels.shape[-1] == 1:
        voxels = voxels[..., 0]
    if voxels.ndim != 3 or not voxels.size:
        raise MedadError(f"NIfTI of shape {voxels.shape}: three dimensions are needed; split it")
    if voxels.dtype.kind not in "biuf":
        raise MedadError(f"NIfTI voxels of type {voxels.dtype}: numbers are needed, one a voxel")
    voxels.setflags(write=False)
    return voxels


def window(values: npt.NDArray[Any]) -> tuple[float, float]:
    """Robust intensity range: percentiles 0.5 and 99.5 of the finite values.

    When these coincide (nearly all of the array is background) the full range is taken.
    """
    finite = values[np.isfinite(values)].astype(np.float64)
    if not finite.size:
        return 0.0, 0.0
    low, high = np.percentile(finite, [_LOW, _HIGH])
    if low == high:
        low, high = finite.min(), finite.max()
    return float(low), float(high)


def to_uint8(values: npt.NDArray[Any], low: float, high: float) -> npt.NDArray[np.uint8]:
    """Linear map of [low, high] to 0..255, clipped; all 0 when the range is empty.

    NaN becomes 0, as do values below ``low``.
    """
    if not high > low:
        return np.zeros(values.shape, np.uint8)
    scaled = (np.nan_to_num(values.astype(np.float64), nan=low) - low) * (255.0 / (high - low))
    return np.rint(np.clip(scaled, 0.0, 255.0)).astype(np.uint8)


def axial(voxels: npt.NDArray[Any], z: int) -> npt.NDArray[Any]:
    """Slice z (Y, X) of canonical voxels (X, Y, Z) as radiologists see it.

    The first row is anterior and the first column is the patient's right. Raises MedadError when
    there is no such slice.
    """
    if not 0 <= z < voxels.shape[2]:
        raise MedadError(f"slice z={z} does not exist; the volume has 0..{voxels.shape[2] - 1}")
    return np.ascontiguousarray(voxels[::-1, ::-1, z].T)


@lru_cache(maxsize=2)
def _scale(content: bytes) -> tuple[float, float]:
    return window(volume(content))


def grey(content: bytes, z: int) -> npt.NDArray[np.uint8]:
    """Slice z as uint8 (Y, X); one intensity window for the whole volume."""
    return to_uint8(axial(volume(content), z), *_scale(content))


def lesion(content: bytes, z: int) -> npt.NDArray[np.uint8]:
    """Slice z of a label volume as uint8 (Y, X): 1 where the label is above 0, else 0."""
    return (axial(volume(content), z) > 0).astype(np.uint8)


def slices_with_content(content: bytes) -> list[int]:
    """The z whose slice is at least 5 % brighter than a tenth of the window: not air alone."""
    return [
        z
        for z in range(volume(content).shape[2])
        if (grey(content, z) >= _BRIGHT).mean() >= _CONTENT
    ]


def slices_with_lesion(content: bytes) -> list[int]:
    """The z of a label volume with at least one voxel above 0."""
    return np.flatnonzero((volume(content) > 0).any(axis=(0, 1))).tolist()
