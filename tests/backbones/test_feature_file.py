"""One file a layer: npy, a checksum, and nothing half written."""

import numpy as np
import pytest
import torch

from medad.backbones import feature_file


def stream(count, seed=0):
    rng = np.random.default_rng(seed)
    for _ in range(count):
        yield {1: torch.from_numpy(rng.random((1, 2, 4, 4), dtype=np.float32))}


def test_reads_what_was_written(tmp_path):
    paths = {1: tmp_path / "a.npy"}
    feature_file.write(paths, stream(3), 3)
    maps = feature_file.read(paths, 3)[1]
    expected = torch.cat([one[1] for one in stream(3)]).permute(0, 2, 3, 1).numpy()
    assert np.array_equal(maps, expected)
    assert np.array_equal(np.load(paths[1], mmap_mode="r"), expected)


def test_another_number_of_images_is_not_whole(tmp_path):
    paths = {1: tmp_path / "a.npy"}
    feature_file.write(paths, stream(3), 3)
    assert feature_file.read(paths, 4) == {}
    assert feature_file.read({2: tmp_path / "absent.npy"}, 3) == {}


def test_every_flipped_bit_of_the_data_is_found(tmp_path):
    paths = {1: tmp_path / "a.npy"}
    feature_file.write(paths, stream(2), 2)
    whole = paths[1].read_bytes()
    for at in range(len(whole) - 4 - 2 * 2 * 16 * 4, len(whole), 17):
        paths[1].write_bytes(whole[:at] + bytes([whole[at] ^ 4]) + whole[at + 1 :])
        assert feature_file.read(paths, 2) == {}


def test_a_failure_while_writing_leaves_nothing(tmp_path):
    def failing():
        yield from stream(1)
        raise RuntimeError("stopped")

    with pytest.raises(RuntimeError, match="stopped"):
        feature_file.write({1: tmp_path / "a.npy"}, failing(), 2)
    assert list(tmp_path.iterdir()) == []
