"""Pictures of the site: small PNG files of images and heat maps, and lesions as outlines."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medad import layout
from medad.data.images import load, load_mask, square
from medad.errors import MedadError
from medad.files import read_json, write_bytes
from medad.lineage.runner import SETTINGS
from medad.site.text import image_id

SIDE = 192  # pixels of a picture at most
HEAT_SIDE = 96
_LEVELS = 64  # colours of a heat map
_FAINT, _STRONG = 0.1, 0.8  # opacity of its lowest and highest colour

Window = tuple[float, float, float, float]  # top, left, bottom, right, fractions of an image
WHOLE: Window = (0.0, 0.0, 1.0, 1.0)

ABSENT = "Not on this machine: known by its hash only."
CHANGED = "Not shown: the file here is missing, unreadable or not the one with this hash."


@dataclass(frozen=True)
class Picture:
    """One image of the site: ``file`` below the site's root, or ``missing`` saying why there is
    none. ``outline`` is an SVG path around the lesion in a square of ``SIDE``, "" without one;
    ``no_outline`` says why there is none of a lesion that has a mask."""

    file: str | None
    outline: str = ""
    missing: str = ""
    no_outline: str = ""


@dataclass
class Gallery:
    """Pictures of one project, each written once below ``site``, named by content."""

    root: Path
    site: Path
    _made: dict[tuple[str, str], Picture] = field(default_factory=dict)

    def image(self, dataset: str, row: dict[str, Any]) -> Picture:
        """Picture of an index row; a placeholder when the file is not here or another."""
        name = (dataset, str(row["path"]))
        if name not in self._made:
            self._made[name] = self._make(dataset, row)
        return self._made[name]

    def _make(self, dataset: str, row: dict[str, Any]) -> Picture:
        source = images_of(self.root, dataset)
        if source is None:
            return Picture(None, missing=ABSENT)
        try:
            pixels = load(source, row["path"], row["sha256"])
        except MedadError:
            # Which it is, `medad verify` says; the page only must not show another image.
            return Picture(None, missing=CHANGED)
        side = min(SIDE, max(pixels.shape[:2]))
        file = f"pictures/{image_id(row['sha256'], row['path'])}.png"
        write_bytes(self.site / file, png(square(pixels, side)))
        if not row["mask"]:
            return Picture(file)
        try:
            return Picture(file, outline(load_mask(source, row["mask"], row["mask_sha256"])))
        except MedadError:
            return Picture(file, no_outline=CHANGED)

    def heat(
        self, values: NDArray[np.float32], low: float, high: float, window: Window = WHOLE
    ) -> str:
        """Heat map (side, side) on a scale of colours from ``low`` to ``high``; its file."""
        content = heat_png(values, low, high, window)
        file = f"heat/{hashlib.sha256(content).hexdigest()[:32]}.png"
        write_bytes(self.site / file, content)
        return file

    def copy(self, source: Path, folder: str) -> str:
        """A picture of a step, such as a contact sheet, as it is; its file."""
        content = source.read_bytes()
        file = f"{folder}/{hashlib.sha256(content).hexdigest()[:32]}.png"
        write_bytes(self.site / file, content)
        return file


def images_of(root: Path, dataset: str) -> Path | None:
    """Folder or zip with a data set's images, as far as it is on this machine."""
    settings = root / SETTINGS
    place = read_json(settings)["locations"].get(dataset) if settings.is_file() else None
    generated = layout.output("phantom", {"dataset": dataset}, "images")
    found = root / (place if place is not None else generated)
    return found if found.exists() else None


def png(pixels: NDArray[np.uint8]) -> bytes:
    """PNG of RGB (H, W, 3), in one channel where all three are equal."""
    from PIL import Image

    grey = bool((pixels == pixels[..., :1]).all())
    return _encode(Image.fromarray(pixels[..., 0] if grey else pixels))


def heat_png(values: NDArray[np.float32], low: float, high: float, window: Window = WHOLE) -> bytes:
    """PNG of few colours and rising opacity, to be laid over an image; clear outside ``window``,
    the part of the image that the method saw."""
    import cv2
    from PIL import Image

    top, left, bottom, right = (round(HEAT_SIDE * edge) for edge in window)
    small = cv2.resize(values, (right - left, bottom - top), interpolation=cv2.INTER_AREA)
    share = np.clip((small - low) / (high - low or 1.0), 0, 1)
    levels = np.full((HEAT_SIDE, HEAT_SIDE), _LEVELS, np.uint8)
    levels[top:bottom, left:right] = np.round(share * (_LEVELS - 1))
    picture = Image.fromarray(levels, "P")
    ramp = np.round(np.linspace(0, 255, _LEVELS)).astype(np.uint8)
    colours = cv2.applyColorMap(ramp[:, None], cv2.COLORMAP_INFERNO)[:, 0, ::-1]
    picture.putpalette(colours.tobytes() + bytes(3))
    opacity = np.round(255 * np.linspace(_FAINT, _STRONG, _LEVELS)).astype(np.uint8)
    return _encode(picture, transparency=opacity.tobytes() + b"\0")


def _encode(picture: Any, **options: Any) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", optimize=True, **options)
    return buffer.getvalue()


def outline(mask: NDArray[np.uint8]) -> str:
    """SVG path around the pixels of a mask (H, W), in a square of ``SIDE``."""
    import cv2

    # Twice as fine as the path, so that its lines run along the edges of the mask's pixels.
    fine = cv2.resize(mask, (2 * SIDE, 2 * SIDE), interpolation=cv2.INTER_NEAREST_EXACT)
    contours, _ = cv2.findContours(fine, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    return "".join(
        "M" + "L".join(f"{x / 2:g} {y / 2:g}" for x, y in contour[:, 0].tolist()) + "Z"
        for contour in contours
    )
