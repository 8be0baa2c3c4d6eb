"""A picture of a pool of pairs, to look at before any training."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from medad.files import write_bytes
from medad.synthesis.pairs import PairSet

_COLUMNS, _LARGEST_TILE, _MOST = 8, 128, 32
_HEADING, _GAP = 24, 4
_SYNTHETIC = ("healthy, augmented", "anomalous, spot outlined")
_TESTED = ("healthy test images", "anomalous test images, lesion outlined")
_PAPER, _INK, _OUTLINE = 24, (230, 230, 230), (255, 200, 0)

Picture = npt.NDArray[np.uint8]


def write_contact_sheet(path: Path, pairs: PairSet, *, synthetic: bool = True) -> None:
    """PNG of ``contact_sheet``; the same pairs give the same bytes."""
    sheet = contact_sheet(pairs, synthetic=synthetic)
    _, encoded = cv2.imencode(".png", cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR))
    write_bytes(path, encoded.tobytes())


def contact_sheet(pairs: PairSet, *, synthetic: bool = True) -> Picture:
    """RGB (h, w, 3): the shots, then up to 32 healthy and 32 anomalous images, spots outlined.

    Tiles are 128 pixels or the images' own side if that is less; the number in a corner is the
    shot an image comes from, if it does. Headings say whether the images are ``synthetic``.
    """
    titles = _SYNTHETIC if synthetic else _TESTED
    side = min(_LARGEST_TILE, max(pairs.originals.shape[1:3]))
    originals = [_tile(image, side) for image in pairs.originals]
    healthy = [_tile(image, side) for image in pairs.healthy[:_MOST]]
    anomalous = [
        _outlined(_tile(image, side), mask)
        for image, mask in zip(pairs.anomalous[:_MOST], pairs.masks[:_MOST], strict=True)
    ]
    return np.concatenate(
        (
            _section("originals", originals, np.arange(len(originals))),
            _section(titles[0], healthy, pairs.healthy_base),
            _section(titles[1], anomalous, pairs.anomalous_base),
        )
    )


def _section(title: str, tiles: list[Picture], sources: npt.NDArray[np.int64]) -> Picture:
    """A heading and rows of tiles, each with the number of its source (of all, shown or not)."""
    total, side = len(sources), len(tiles[0])
    count = f"{total}" if len(tiles) == total else f"first {len(tiles)} of {total}"
    rows = -(-len(tiles) // _COLUMNS)
    step = side + _GAP
    canvas = np.full((_HEADING + rows * step, _COLUMNS * step + _GAP, 3), _PAPER, np.uint8)
    _text(canvas, f"{title} ({count})", _GAP, _HEADING - 7, 0.5)
    for index, tile in enumerate(tiles):
        row, column = divmod(index, _COLUMNS)
        top, left = _HEADING + row * step, _GAP + column * step
        canvas[top : top + side, left : left + side] = tile
        if sources[index] >= 0:
            _text(canvas, f"{sources[index]}", left + 3, top + 12, 0.35)
    return canvas


def _tile(image: Picture, side: int) -> Picture:
    """The image as an RGB square."""
    small = cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA)
    return np.asarray(small if small.ndim == 3 else np.repeat(small[..., None], 3, axis=2))


def _outlined(tile: Picture, mask: Picture) -> Picture:
    """The tile with a line just outside the mask, which hides nothing of the spot."""
    small = cv2.resize(mask, tile.shape[1::-1], interpolation=cv2.INTER_NEAREST)
    edge = cv2.dilate(small, np.ones((3, 3), np.uint8)) > small
    return np.where(edge[..., None], np.array(_OUTLINE, np.uint8), tile)


def _text(canvas: Picture, text: str, left: int, bottom: int, size: float) -> None:
    cv2.putText(canvas, text, (left, bottom), cv2.FONT_HERSHEY_SIMPLEX, size, _INK, 1, cv2.LINE_AA)
