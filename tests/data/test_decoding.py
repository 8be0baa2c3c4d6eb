from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from medad.data.decoding import decode, decode_mask
from medad.errors import MedadError


def stored(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def test_grey_becomes_three_equal_channels(noise):
    picture = decode(stored(Image.fromarray(noise(0))), "a.png")
    assert picture.pixels.shape == (40, 32, 3)
    assert picture.mode == "L"
    assert picture.flags == ()
    for channel in range(3):
        np.testing.assert_array_equal(picture.pixels[..., channel], noise(0))


def test_alpha_is_composited_on_black():
    rgba = np.zeros((1, 3, 4), np.uint8)
    rgba[0] = [[200, 100, 50, 255], [200, 100, 50, 0], [200, 100, 50, 128]]
    picture = decode(stored(Image.fromarray(rgba)), "a.png")
    assert picture.flags == ("alpha",)
    assert picture.pixels[0, 0].tolist() == [200, 100, 50]
    assert picture.pixels[0, 1].tolist() == [0, 0, 0]
    np.testing.assert_allclose(picture.pixels[0, 2], [100, 50, 25], atol=1)


def test_palette_gives_its_colours():
    image = Image.fromarray(np.array([[0, 1], [1, 0]], np.uint8), "P")
    image.putpalette([10, 20, 30, 200, 100, 0])
    picture = decode(stored(image), "a.png")
    assert picture.pixels[0].tolist() == [[10, 20, 30], [200, 100, 0]]
    assert picture.flags == ("palette",)


def test_transparent_palette_is_alpha_too():
    image = Image.fromarray(np.array([[0, 1]], np.uint8), "P")
    image.putpalette([10, 20, 30, 200, 100, 0])
    picture = decode(stored(image, transparency=1), "a.png")
    assert picture.pixels[0].tolist() == [[10, 20, 30], [0, 0, 0]]
    assert picture.flags == ("alpha", "palette")


def test_sixteen_bits_use_the_whole_range():
    values = np.linspace(1000, 4095, 4096).astype(np.uint16).reshape(64, 64)  # 12 bits of them
    picture = decode(stored(Image.fromarray(values)), "a.png")
    assert picture.flags == ("deep",)
    assert (picture.pixels.min(), picture.pixels.max()) == (0, 255)
    row = picture.pixels[..., 0].ravel().astype(int)
    assert (np.diff(row) >= 0).all()
    assert abs(row[2048] - 127.5) < 2


def test_content_of_another_format_is_flagged(noise):
    assert "suffix" in decode(stored(Image.fromarray(noise(1))), "a.jpg").flags
    assert decode(stored(Image.fromarray(noise(1)), "JPEG"), "A.JPEG").flags == ()


def test_constant_image_is_flagged():
    assert decode(stored(Image.new("L", (5, 4), 9)), "a.png").flags == ("constant",)


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_truncated_and_foreign_files_are_errors(noise, kind):
    whole = stored(Image.fromarray(noise(2, 64, 64)), kind)
    for content in (whole[: len(whole) // 2], whole[:20], b"", b"hello"):
        with pytest.raises(MedadError, match=r"a b\.png: cannot be decoded"):
            decode(content, "a b.png")
        with pytest.raises(MedadError, match="cannot be decoded"):
            decode_mask(content, "a b.png")


def test_slice_errors_name_the_slice(nifti_bytes):
    content = nifti_bytes(np.ones((2, 2, 2), np.int16))
    with pytest.raises(MedadError, match=r"a\.nii#z=7: slice"):
        decode(content, "a.nii#z=7")


def test_jpeg_mask_is_cut_at_127():
    mask = np.zeros((64, 64), np.uint8)
    mask[20:40, 10:30] = 255
    content = stored(Image.fromarray(mask), "JPEG", quality=70)
    assert set(np.unique(np.asarray(Image.open(io.BytesIO(content))))) > {0, 255}  # it rings
    np.testing.assert_array_equal(decode_mask(content, "a.jpg"), mask // 255)


@pytest.mark.parametrize("inside", [1, 3, 255])
def test_lossless_label_maps_count_above_zero(inside):
    mask = np.zeros((4, 4), np.uint8)
    mask[1, 2] = inside
    expected = (mask > 0).astype(np.uint8)
    np.testing.assert_array_equal(decode_mask(stored(Image.fromarray(mask)), "a.png"), expected)
    deep = Image.fromarray(mask.astype(np.uint16))
    np.testing.assert_array_equal(decode_mask(stored(deep), "a.png"), expected)


def test_mask_of_a_volume_slice(nifti_bytes):
    labels = np.zeros((3, 4, 2), np.int16)
    labels[2, 3, 1] = 2
    mask = decode_mask(nifti_bytes(labels), "m.nii#z=1")
    assert mask.shape == (4, 3)
    assert np.argwhere(mask).tolist() == [[0, 0]]
