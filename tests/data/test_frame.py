"""What part of an image is seen: against torchvision's rules, on images whose pixels say where."""

import hashlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medad.data.frame import Frame, load_frame, load_mask_frame
from medad.data.images import square
from medad.errors import MedadError


def ramp(height, width):
    """(H, W, 3): share of the height, share of the width, 0; each up to 255."""
    rows, columns = np.mgrid[:height, :width]
    share = [(rows + 0.5) / height, (columns + 0.5) / width, np.zeros((height, width))]
    return np.rint(255 * np.stack(share, 2)).astype(np.uint8)


def test_without_resize_it_is_the_whole_image():
    pixels = ramp(50, 70)
    np.testing.assert_array_equal(Frame(32).cut(pixels), square(pixels, 32))
    assert Frame(32).window(50, 70) == (0, 0, 1, 1)
    assert Frame.of({"side": 32, "other": 1}) == Frame(32)


def test_the_centre_of_a_square():
    frame = Frame.of({"side": 224, "resize": 256, "fit": "square"})
    pixels = ramp(512, 300)
    np.testing.assert_array_equal(frame.cut(pixels), square(pixels, 256)[16:240, 16:240])
    assert frame.window(512, 300) == (16 / 256, 16 / 256, 240 / 256, 240 / 256)


@pytest.mark.parametrize(
    ("height", "width", "size"), [(512, 300, (436, 256)), (100, 300, (256, 768))]
)
def test_the_centre_of_what_keeps_its_aspect(height, width, size):
    frame = Frame(224, 256, "shorter")
    assert frame.size(height, width) == size  # torchvision's Resize(256)
    found = frame.cut(ramp(height, width)).astype(float)
    top, left, bottom, right = frame.window(height, width)
    assert found.shape == (224, 224, 3)
    for channel, edges in ((found[:, 112, 0], (top, bottom)), (found[112, :, 1], (left, right))):
        assert channel[[0, -1]] / 255 == pytest.approx(edges, abs=0.01)


@settings(max_examples=60, deadline=None)
@given(
    height=st.integers(1, 90),
    width=st.integers(1, 90),
    side=st.integers(8, 40),
    more=st.integers(0, 20),
    fit=st.sampled_from(["square", "shorter"]),
)
def test_every_image_gives_a_square_inside_it(height, width, side, more, fit):
    frame = Frame(side, side + more, fit)
    assert (
        frame.cut(np.full((height, width, 3), 77, np.uint8)).tolist() == [[[77] * 3] * side] * side
    )
    top, left, bottom, right = frame.window(height, width)
    assert 0 <= top < bottom <= 1
    assert 0 <= left < right <= 1
    mask = (np.arange(height * width).reshape(height, width) % 2).astype(np.uint8)
    assert frame.cut_mask(mask).shape == (side, side)


def test_a_mask_stays_on_its_image():
    frame = Frame(64, 80)
    mask = np.zeros((120, 200), np.uint8)
    mask[40:80, 60:140] = 1
    pixels = np.repeat(255 * mask[:, :, None], 3, 2)
    differs = (frame.cut(pixels)[..., 0] > 127) != (frame.cut_mask(mask) > 0)
    assert differs.mean() < 0.05


def test_files_are_checked(tmp_path, write, noise):
    write(tmp_path, {"a.png": noise(0), "m.png": np.full((40, 32), 255, np.uint8)})
    digests = {
        n: hashlib.sha256((tmp_path / n).read_bytes()).hexdigest() for n in ("a.png", "m.png")
    }
    frame = Frame(16, 20)
    found = load_frame(tmp_path, "a.png", digests["a.png"], frame)
    np.testing.assert_array_equal(found[..., 1], frame.cut(noise(0)))
    assert load_mask_frame(tmp_path, "m.png", digests["m.png"], frame).all()
    with pytest.raises(MedadError, match="changed since"):
        load_frame(tmp_path, "a.png", "0" * 64, frame)


def test_frames_have_names_of_their_own():
    frames = [Frame(224), Frame(256), Frame(224, 256), Frame(224, 256, "shorter")]
    assert len({frame.name for frame in frames}) == 4
    assert Frame(224).name == "224"


def test_wrong_frames():
    with pytest.raises(MedadError, match=r"image.resize: got 200, allowed: side \(224\) or more"):
        Frame(224, 200)
    with pytest.raises(MedadError, match=r"image\.fit: got 'wide', allowed: square, shorter"):
        Frame(224, 256, "wide")
