"""The cache gives what direct extraction gives, once, and heals."""

import hashlib
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest
import torch

from medad.backbones import checkpoint, feature_cache
from medad.backbones.feature_cache import cached_features, extract
from medad.backbones.resnet import build
from medad.backbones.spec import TrunkSpec
from medad.data.frame import Frame
from medad.errors import MedadError

LAYERS = (1, 3)
SIDE = 32


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A folder of six images, their (path, sha256) and a weights file."""
    root = tmp_path_factory.mktemp("images")
    rng = np.random.default_rng(0)
    images = []
    for number in range(6):
        path = root / f"{number}.png"
        cv2.imwrite(str(path), rng.integers(0, 256, (40, 36, 3), dtype=np.uint8))
        images.append((path.name, hashlib.sha256(path.read_bytes()).hexdigest()))
    trunk = build(TrunkSpec("resnet18"), torch.Generator().manual_seed(0))
    weights = tmp_path_factory.mktemp("weights") / "weights.safetensors"
    checkpoint.save(weights, trunk, {})
    return root, images, weights


class Count:
    """A report that remembers how many images were extracted."""

    def __init__(self):
        self.images = 0

    def __call__(self, done, total, text):
        self.images += 1


def cached(folder, data, images=None, layers=LAYERS, side=SIDE, report=None):
    root, every, weights = data
    chosen = every if images is None else images
    return cached_features(
        folder, weights, chosen, root, Frame(side), layers, "cpu", report or Count()
    )


def direct(data, images, layers=LAYERS):
    root, _, weights = data
    return extract(checkpoint.load(weights), root, images, Frame(SIDE), layers, "cpu")


def equal(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[layer], b[layer]) for layer in a)


def files(folder, pattern="*.npy"):
    return sorted((folder / "features").rglob(pattern))


def test_equals_direct_extraction_of_any_subset(tmp_path, data):
    images = data[1]
    table = cached(tmp_path, data)
    assert table.take(images)[3].shape == (6, 256, 2, 2)
    for chosen in (images, images[:1], [images[4], images[0], images[4]]):
        assert equal(table.take(chosen), direct(data, chosen))


def test_extraction_does_not_depend_on_the_other_images(data):
    images = data[1]
    whole = direct(data, images)
    for index, image in enumerate(images):
        alone = direct(data, [image])
        assert equal(alone, {layer: maps[index : index + 1] for layer, maps in whole.items()})


def test_a_second_use_extracts_nothing_in_any_order(tmp_path, data):
    first, second = Count(), Count()
    table = cached(tmp_path, data, report=first)
    again = cached(tmp_path, data, images=data[1][::-1] + data[1][:2], report=second)
    assert (first.images, second.images) == (6, 0)
    assert equal(again.take(data[1]), table.take(data[1]))


def test_only_missing_layers_are_extracted(tmp_path, data):
    cached(tmp_path, data, layers=(1,))
    before = {path: path.stat().st_mtime_ns for path in files(tmp_path)}
    report = Count()
    table = cached(tmp_path, data, layers=(1, 2), report=report)
    assert report.images == 6
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert equal(table.take(data[1]), direct(data, data[1], (1, 2)))


def test_side_set_weights_threads_and_code_each_have_their_files(tmp_path, data, monkeypatch):
    root, images, _ = data
    cached(tmp_path, data, layers=(1,))
    cached(tmp_path, data, layers=(1,), side=40)
    cached(tmp_path, data, layers=(1,), images=images[:5])
    other = tmp_path / "other.safetensors"
    trunk = build(TrunkSpec("resnet18"), torch.Generator().manual_seed(1))
    checkpoint.save(other, trunk, {})
    cached(tmp_path, (root, images, other), layers=(1,))
    torch.set_num_threads(2)
    cached(tmp_path, data, layers=(1,))
    torch.set_num_threads(1)
    monkeypatch.setattr(feature_cache, "_CODE", (feature_cache,))
    cached(tmp_path, data, layers=(1,))
    assert len(files(tmp_path)) == 6


@pytest.mark.parametrize("damage", ["short", "flipped", "empty", "longer", "gone"])
def test_a_damaged_file_is_made_again(tmp_path, data, damage):
    cached(tmp_path, data)
    path = files(tmp_path)[0]
    whole = path.read_bytes()
    broken = {
        "short": whole[:-100],
        "flipped": whole[:-9] + bytes([whole[-9] ^ 1]) + whole[-8:],
        "empty": b"",
        "longer": whole + b"\0" * 8,
    }
    path.unlink()
    if damage in broken:
        path.write_bytes(broken[damage])
    report = Count()
    table = cached(tmp_path, data, report=report)
    assert report.images == 6
    assert path.read_bytes() == whole
    assert equal(table.take(data[1]), direct(data, data[1]))


def test_nothing_temporary_stays(tmp_path, data):
    cached(tmp_path, data)
    assert len(files(tmp_path)) == 2
    assert files(tmp_path, "*.partial") == []


def test_slices_of_one_volume_differ(tmp_path, data, monkeypatch):
    def slices(root, path, digest, frame):
        return np.full((frame.side, frame.side, 3), int(path[-1]), np.uint8)

    monkeypatch.setattr(feature_cache.framing, "load_frame", slices)
    images = [("v.nii#z=1", "same"), ("v.nii#z=2", "same"), ("copy.nii#z=1", "same")]
    table = cached(tmp_path, data, images=images)
    one, two, copy = (table.take([image])[1] for image in images)
    assert torch.equal(one, copy)
    assert not torch.equal(one, two)


def test_a_changed_image_is_refused_and_nothing_stays(tmp_path, data):
    images = [*data[1][:2], (data[1][2][0], "0" * 64)]
    with pytest.raises(MedadError, match="changed since it was listed"):
        cached(tmp_path, data, images=images)
    assert files(tmp_path) + files(tmp_path, "*.partial") == []


def test_a_full_disk_is_one_message(tmp_path, data, monkeypatch):
    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(feature_cache.feature_file, "write", full)
    with pytest.raises(MedadError, match="No space left on device"):
        cached(tmp_path, data)


def test_parallel_jobs_extract_once(tmp_path, data):
    # The lock is per open file, so threads exclude each other as processes do.
    def job(report):
        torch.set_num_threads(1)
        return cached(tmp_path, data, report=report)

    reports = [Count() for _ in range(3)]
    with ThreadPoolExecutor(3) as pool:
        tables = list(pool.map(job, reports))
    assert sorted(report.images for report in reports) == [0, 0, 6]
    expected = direct(data, data[1])
    assert all(equal(table.take(data[1]), expected) for table in tables)
