"""Arrays beside memory hold what arrays in memory hold, and leave nothing behind."""

import os

import numpy as np
import pytest

from medad.errors import MedadError
from medad.room import Room


def test_memory_first_then_files_without_a_name(tmp_path):
    room = Room(4 * 6, tmp_path)
    arrays = [room.empty(shape) for shape in ((2, 2), (3, 2), (1, 2))]
    assert [isinstance(array, np.memmap) for array in arrays] == [False, True, False]
    for array in arrays:
        array[:] = np.arange(array.size).reshape(array.shape)
        assert array.dtype == np.float32
        assert array.ravel().tolist() == list(range(array.size))
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_found_before_anything_is_written(tmp_path, monkeypatch):
    def full(descriptor, begin, size):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(MedadError, match=r"cannot hold 4 MiB .*No space left.*raise max_memory"):
        Room(0, tmp_path).empty((1024, 1024))
    assert list(tmp_path.iterdir()) == []


def test_a_missing_folder_is_a_clear_error(tmp_path):
    with pytest.raises(MedadError, match="absent: cannot hold"):
        Room(0, tmp_path / "absent").empty((2, 2))
