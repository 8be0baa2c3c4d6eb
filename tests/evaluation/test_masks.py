"""Masks at the size of the maps."""

from __future__ import annotations

import hashlib
from pathlib import Path

import cv2
import numpy as np
import pytest

from medad.data.frame import Frame
from medad.errors import MedadError
from medad.evaluation.masks import mask_files, square_mask
from medad.files import write_parquet


def _write(folder: Path, name: str, mask: np.ndarray) -> str:
    content = cv2.imencode(".png", mask)[1].tobytes()
    (folder / name).write_bytes(content)
    return hashlib.sha256(content).hexdigest()


def test_mask_files_lists_images_with_a_mask(tmp_path: Path) -> None:
    index = tmp_path / "index.parquet"
    columns = {"path": ["a", "b"], "mask": ["", "m.png"], "mask_sha256": ["", "00"]}
    write_parquet(index, columns)
    assert mask_files(index) == {"b": ("m.png", "00")}


def test_nearest_resizing_keeps_the_lesion_in_place(tmp_path: Path) -> None:
    mask = np.zeros((64, 64), np.uint8)
    mask[16:32, 32:64] = 255
    files = {"b": ("m.png", _write(tmp_path, "m.png", mask))}
    found = square_mask(tmp_path, files, "b", Frame(16))
    assert found is not None
    assert found.dtype == np.bool_
    expected = np.zeros((16, 16), np.bool_)
    expected[4:8, 8:16] = True
    assert (found == expected).all()


def test_images_without_a_usable_mask_give_none(tmp_path: Path) -> None:
    empty = np.zeros((64, 64), np.uint8)
    speck = empty.copy()
    speck[0, 0] = 255
    files = {
        "empty": ("e.png", _write(tmp_path, "e.png", empty)),
        "speck": ("s.png", _write(tmp_path, "s.png", speck)),
    }
    assert square_mask(tmp_path, files, "absent", Frame(16)) is None
    assert square_mask(tmp_path, files, "empty", Frame(16)) is None
    assert square_mask(tmp_path, files, "speck", Frame(16)) is None


def test_a_changed_mask_is_refused(tmp_path: Path) -> None:
    digest = _write(tmp_path, "m.png", np.full((8, 8), 255, np.uint8))
    _write(tmp_path, "m.png", np.full((8, 8), 254, np.uint8))
    with pytest.raises(MedadError):
        square_mask(tmp_path, {"b": ("m.png", digest)}, "b", Frame(8))
