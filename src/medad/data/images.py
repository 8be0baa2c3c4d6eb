"""Images as uint8 RGB arrays from a folder or a zip, never without checking the hash."""

from __future__ import annotations

import hashlib
import lzma
import zipfile
import zlib
from functools import lru_cache
from pathlib import Path, PurePosixPath

import numpy as np
import numpy.typing as npt

from medad.data import nifti
from medad.data.decoding import decode, decode_mask
from medad.errors import MedadError

# What zipfile raises on a damaged, encrypted or unknown member; of bzip2 an OSError.
UNREADABLE = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    NotImplementedError,
    RuntimeError,
    EOFError,
)


def _is_zip(root: Path) -> bool:
    return root.suffix.lower() == ".zip" and root.is_file()


@lru_cache(maxsize=4)
def _archive(path: Path, size: int, mtime_ns: int) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except zipfile.BadZipFile as error:
        raise MedadError(f"{path}: not a valid zip ({error}); restore or delete it") from error


def archive(root: Path) -> zipfile.ZipFile:
    """The open zip at ``root``, opened once per version of the file and safe to read in threads."""
    status = root.stat()
    return _archive(root, status.st_size, status.st_mtime_ns)


def open_bytes(root: Path, path: str) -> bytes:
    """Content of the file ``path`` (relative, with ``/``) under a folder or zip ``root``.

    For a slice such as ``vol.nii.gz#z=12`` the content is the volume's. Raises MedadError when the
    file is absent or when ``path`` leaves the root, through ``..`` or a symbolic link alike.
    """
    name = nifti.file_of(path)
    pure = PurePosixPath(name)
    if not name or pure.is_absolute() or ".." in pure.parts or "\\" in name or "\0" in name:
        raise MedadError(f"image path {path!r} leaves {root}; give a path relative to it")
    if _is_zip(root):
        try:
            return archive(root).read(name)
        except KeyError as error:
            raise MedadError(f"{path}: not in {root}") from error
        except (*UNREADABLE, OSError) as error:
            raise MedadError(f"{path} in {root}: damaged ({error}); restore the file") from error
    base = root.resolve()
    target = (base / name).resolve()
    if not target.is_relative_to(base):
        raise MedadError(f"{path}: links to {target}, outside {root}; copy the file into it")
    try:
        return target.read_bytes()
    except OSError as error:
        raise MedadError(f"{path}: cannot be read under {root} ({error.strerror})") from error


def read_checked(root: Path, path: str, sha256: str) -> bytes:
    """``open_bytes``, verified; MedadError when the content is not the one of ``sha256``."""
    content = open_bytes(root, path)
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise MedadError(
            f"{path}: changed since it was listed (sha256 {found[:12]}, expected {sha256[:12]}); "
            f"restore it under {root} or run again to list the files anew"
        )
    return content


def to_grey(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Luma (..., H, W) of RGB (..., H, W, 3): ITU-R 601 in Pillow's integers.

    An image with three equal channels gives exactly that channel.
    """
    weights = np.array([19595, 38470, 7471], np.uint32)  # sum to 2**16
    return ((pixels.astype(np.uint32) @ weights + 0x8000) >> 16).astype(np.uint8)


def load(root: Path, path: str, sha256: str) -> npt.NDArray[np.uint8]:
    """RGB uint8 (H, W, 3) of one image whose content must have this sha256; see ``decode``."""
    return decode(read_checked(root, path, sha256), path).pixels


def square(pixels: npt.NDArray[np.uint8], side: int | tuple[int, int]) -> npt.NDArray[np.uint8]:
    """Resize (H, W[, C]) to (side, side[, C]): axes shrink by area, then grow linearly.

    The aspect ratio is not kept, as in the papers. ``side`` may be a height and a width.
    """
    import cv2

    wanted = (side, side) if isinstance(side, int) else side
    shrunk = [min(*lengths) for lengths in zip(pixels.shape[:2], wanted, strict=True)]
    small = cv2.resize(pixels, shrunk[::-1], interpolation=cv2.INTER_AREA)
    large = cv2.resize(small, wanted[::-1], interpolation=cv2.INTER_LINEAR)
    return np.asarray(large, np.uint8)


def load_mask(root: Path, path: str, sha256: str) -> npt.NDArray[np.uint8]:
    """Lesion mask uint8 (H, W), 1 inside; see ``decode_mask``."""
    return decode_mask(read_checked(root, path, sha256), path)
