"""From the bytes of an image or mask file to its pixels."""

from __future__ import annotations

import io
import struct
import zlib
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from medad.data import nifti
from medad.errors import MedadError

_DAMAGE = (
    OSError,  # truncated, unidentified
    SyntaxError,  # Pillow: broken PNG chunk
    ValueError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
)
_ALPHA = frozenset({"RGBA", "LA", "PA", "La", "RGBa"})


@dataclass(frozen=True)
class Picture:
    """A decoded image and how it was stored.

    ``pixels``: uint8 (H, W, 3). ``mode``: Pillow's name ("L", "RGB", "P", ...) or "NIfTI".
    ``flags``: sorted, of alpha, constant, deep (more than 8 bits), palette,
    suffix (the content is not of the format the name says).
    """

    pixels: npt.NDArray[np.uint8]
    mode: str
    flags: tuple[str, ...]


def decode(content: bytes, path: str) -> Picture:
    """Decode a file's content; ``path`` names it in errors and picks the slice of a volume.

    Alpha is composited on black, palettes and CMYK become RGB, pixels of more than 8 bits are
    mapped by the robust window of ``medad.data.nifti``. The stored orientation is kept: an EXIF
    rotation is not applied. Raises MedadError for truncated or unreadable files.
    """
    parsed = nifti.parse(path)
    if parsed:
        try:
            grey = nifti.grey(content, parsed[1])
        except MedadError as error:
            raise MedadError(f"{path}: {error}") from error
        return _picture(np.repeat(grey[..., None], 3, axis=2), "NIfTI", set())
    image = _open(content, path)
    flags = set()
    named = Image.registered_extensions().get(PurePosixPath(path).suffix.lower())
    if image.format != named and (image.format, named) != ("MPO", "JPEG"):
        flags.add("suffix")  # MPO is a JPEG with further pictures behind it
    if image.mode in _ALPHA or "transparency" in image.info:
        flags.add("alpha")
    if image.mode in {"P", "PA"}:
        flags.add("palette")
    if image.mode.startswith(("I", "F")):
        flags.add("deep")
        values = np.asarray(image)
        grey = nifti.to_uint8(values, *nifti.window(values))
        pixels = np.repeat(grey[..., None], 3, axis=2)
    elif "alpha" in flags:
        black = Image.new("RGBA", image.size, (0, 0, 0, 255))
        pixels = np.asarray(Image.alpha_composite(black, image.convert("RGBA")).convert("RGB"))
    else:
        pixels = np.asarray(image.convert("RGB"))
    return _picture(pixels, image.mode, flags)


def _picture(pixels: npt.NDArray[Any], mode: str, flags: set[str]) -> Picture:
    few = pixels[::16, ::16]  # almost always enough to see that it is not
    if (few == few[:1, :1]).all() and (pixels == pixels[:1, :1]).all():
        flags = flags | {"constant"}
    return Picture(pixels, mode, tuple(sorted(flags)))


def _open(content: bytes, path: str) -> Image.Image:
    try:
        image = Image.open(io.BytesIO(content))
        image.load()
    except _DAMAGE as error:
        reason = str(error).replace("<_io.BytesIO object", "<stream")
        if isinstance(error, UnidentifiedImageError):
            reason = "no known image format" if content else "the file is empty"
        raise MedadError(f"{path}: cannot be decoded ({reason})") from error
    return image


def decode_mask(content: bytes, path: str) -> npt.NDArray[np.uint8]:
    """Lesion mask uint8 (H, W), 1 inside, from a mask file's content.

    Above 127 is inside: masks are often JPEG, whose edges ring. A lossless file with no value
    above 127 is taken for a label map, where anything above 0 is inside.
    """
    parsed = nifti.parse(path)
    if parsed:
        return nifti.lesion(content, parsed[1])
    image = _open(content, path)
    if image.mode.startswith(("I", "F")):
        return (np.asarray(image) > 0).astype(np.uint8)
    # palette indices are the labels; their colours are decoration
    values = np.asarray(image if image.mode in {"P", "L"} else image.convert("L"))
    threshold = 0 if image.format != "JPEG" and values.max() <= 127 else 127
    return (values > threshold).astype(np.uint8)
