from __future__ import annotations

import hashlib
import io
import os
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from medad.data.images import (
    load,
    load_mask,
    open_bytes,
    read_checked,
    square,
    to_grey,
)
from medad.errors import MedadError


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def zipped(tmp_path):
    path = tmp_path / "set.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("no/a b.png", b"content")
    return path


def test_folder_and_zip_give_the_same(tmp_path, write, zipped):
    write(tmp_path / "set", {"no/a b.png": b"content"})
    assert open_bytes(tmp_path / "set", "no/a b.png") == b"content"
    assert open_bytes(zipped, "no/a b.png") == b"content"


def test_slice_opens_its_volume(tmp_path, write):
    write(tmp_path, {"v.nii": b"volume"})
    assert open_bytes(tmp_path, "v.nii#z=3") == b"volume"


@pytest.mark.parametrize(
    "path", ["../secret", "a/../../secret", "/etc/passwd", "", "a\\b", "..", "a\0b"]
)
def test_paths_that_leave_the_root_are_refused(tmp_path, zipped, path):
    (tmp_path / "secret").write_bytes(b"s")
    (tmp_path / "set").mkdir()
    for root in (tmp_path / "set", zipped):
        with pytest.raises(MedadError, match="leaves"):
            open_bytes(root, path)


def test_links_may_stay_but_not_leave(tmp_path, write):
    root = write(tmp_path / "set", {"a.png": b"inside"})
    write(tmp_path / "else", {"b.png": b"outside"})
    (root / "in.png").symlink_to(root / "a.png")
    (root / "out.png").symlink_to(tmp_path / "else" / "b.png")
    (root / "dir").symlink_to(tmp_path / "else")
    (tmp_path / "link").symlink_to(root)
    assert open_bytes(root, "in.png") == b"inside"
    assert open_bytes(tmp_path / "link", "a.png") == b"inside"  # the root itself may be a link
    for path in ("out.png", "dir/b.png"):
        with pytest.raises(MedadError, match="outside"):
            open_bytes(root, path)


def test_absent_and_damaged_sources(tmp_path, zipped):
    for root in (tmp_path, zipped):
        with pytest.raises(MedadError, match=r"x\.png"):
            open_bytes(root, "x.png")
    broken = tmp_path / "broken.zip"
    broken.write_bytes(b"no zip")
    with pytest.raises(MedadError, match="not a valid zip"):
        open_bytes(broken, "a.png")
    flipped = bytearray(zipped.read_bytes())
    flipped[flipped.index(b"content")] ^= 1
    (tmp_path / "flipped.zip").write_bytes(flipped)
    with pytest.raises(MedadError, match="damaged"):
        open_bytes(tmp_path / "flipped.zip", "no/a b.png")


def test_a_replaced_zip_is_read_anew(zipped):
    assert open_bytes(zipped, "no/a b.png") == b"content"
    with zipfile.ZipFile(zipped, "w") as archive:
        archive.writestr("no/a b.png", b"other content")
    os.utime(zipped, ns=(1, 1))
    assert open_bytes(zipped, "no/a b.png") == b"other content"


def test_changed_content_is_an_error(tmp_path, write):
    write(tmp_path, {"a.png": b"new"})
    assert read_checked(tmp_path, "a.png", sha(b"new")) == b"new"
    with pytest.raises(MedadError, match=r"a\.png: changed since it was listed"):
        read_checked(tmp_path, "a.png", sha(b"old"))


@given(st.integers(0, 255), st.integers(0, 255), st.integers(0, 255))
def test_grey_equals_pillow(r, g, b):
    pixels = np.array([[[r, g, b]]], np.uint8)
    assert to_grey(pixels)[0, 0] == np.asarray(Image.fromarray(pixels).convert("L"))[0, 0]


def test_grey_of_grey_is_itself():
    ramp = np.arange(256, dtype=np.uint8).reshape(16, 16)
    batch = np.repeat(ramp[None, ..., None], 3, axis=3)
    np.testing.assert_array_equal(to_grey(batch), ramp[None])


def test_square_shrinks_by_area():
    pixels = np.array([[0, 100], [100, 200]], np.uint8).repeat(4, 0).repeat(8, 1)
    np.testing.assert_array_equal(square(pixels, 2), [[0, 100], [100, 200]])
    assert square(pixels, 1)[0, 0] == 100


def test_square_grows_linearly():
    grown = square(np.array([[0, 100]], np.uint8), 4)
    np.testing.assert_array_equal(grown, np.tile([0, 25, 75, 100], (4, 1)))


@pytest.mark.parametrize("shape", [(3, 50), (50, 3), (7, 7), (64, 65)])
def test_square_keeps_a_constant_and_channels(shape):
    np.testing.assert_array_equal(square(np.full((*shape, 3), 77, np.uint8), 16), 77)


def test_load(tmp_path, write, noise):
    write(tmp_path, {"a.PNG": noise(0)})
    digest = sha((tmp_path / "a.PNG").read_bytes())
    pixels = load(tmp_path, "a.PNG", digest)
    np.testing.assert_array_equal(pixels[..., 1], noise(0))


def test_load_mask(tmp_path):
    stream = io.BytesIO()
    Image.fromarray(np.array([[0, 128], [127, 255]], np.uint8)).save(stream, "PNG")
    (tmp_path / "m.png").write_bytes(stream.getvalue())
    mask = load_mask(tmp_path, "m.png", sha(stream.getvalue()))
    assert mask.tolist() == [[0, 1], [0, 1]]
