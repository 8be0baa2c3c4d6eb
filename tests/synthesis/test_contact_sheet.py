"""The contact sheet: what is on it, and that its bytes are stable."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from medad.synthesis.contact_sheet import contact_sheet, write_contact_sheet
from medad.synthesis.pairs import build_pairs

OUTLINE = (255, 200, 0)


@pytest.fixture
def pool(draw_head, parameters):
    """Function that builds a pool of ``count`` pairs from three shots."""

    def build(count=9, side=96, colour=False):
        shots = np.stack([draw_head(side, seed) for seed in range(3)])
        if colour:
            shots = np.stack((shots, shots // 2, shots), axis=-1)
        return build_pairs(shots, replace(parameters, pairs=count), np.random.default_rng(0))

    return build


def tile(sheet, top, index, side=96):
    row, column = divmod(index, 8)
    y, x = top + 24 + row * (side + 4), 4 + column * (side + 4)
    return sheet[y : y + side, x : x + side]


@pytest.mark.parametrize("colour", [False, True])
def test_shows_every_image_in_its_row(pool, colour):
    pairs = pool(colour=colour)
    sheet = contact_sheet(pairs)
    one, two = 24 + 100, 24 + 200
    assert sheet.shape == (one + 2 * two, 8 * 100 + 4, 3)
    unmarked = slice(20, None)  # below the number in the corner
    for top, images in ((0, pairs.originals), (one, pairs.healthy)):
        for index, image in enumerate(images):
            shown = tile(sheet, top, index)[unmarked]
            expected = image if colour else np.repeat(image[..., None], 3, axis=2)
            assert np.array_equal(shown, expected[unmarked])


def test_spots_are_outlined_outside_and_kept_inside(pool):
    pairs = pool()
    sheet = contact_sheet(pairs)
    for index, (image, mask) in enumerate(zip(pairs.anomalous, pairs.masks, strict=True)):
        shown = tile(sheet, 24 + 100 + 24 + 200, index)[20:]
        spot, around = mask[20:] > 0, cv2.dilate(mask, np.ones((3, 3), np.uint8))[20:] > 0
        assert np.array_equal(shown[spot][:, 0], image[20:][spot])
        line = (shown == OUTLINE).all(axis=2)
        assert np.array_equal(line, around & ~spot)


def test_large_pools_and_images_are_cut_to_what_can_be_seen(pool):
    sheet = contact_sheet(pool(count=33, side=160))
    assert sheet.shape == (3 * 24 + (1 + 4 + 4) * 132, 8 * 132 + 4, 3)


def test_headings_are_written(pool):
    sheet = contact_sheet(pool())
    assert (sheet[:24] > 150).any()
    assert (tile(sheet, 0, 0)[:14, :14] > 200).any()


def test_png_has_the_picture_and_stable_bytes(tmp_path, pool):
    pairs = pool()
    write_contact_sheet(tmp_path / "a.png", pairs)
    write_contact_sheet(tmp_path / "b.png", pairs)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    read = cv2.cvtColor(cv2.imread(str(tmp_path / "a.png")), cv2.COLOR_BGR2RGB)
    assert np.array_equal(read, contact_sheet(pairs))


def test_test_images_have_their_own_headings_and_no_number(pool):
    pairs = pool()
    none = np.full(9, -1)
    bare = replace(pairs, healthy_base=none, anomalous_base=none)
    sheet, other = contact_sheet(bare, synthetic=False), contact_sheet(pairs)
    one = 24 + 100
    assert np.array_equal(sheet[:one], other[:one])
    assert not np.array_equal(sheet[one : one + 24], other[one : one + 24])
    for index, image in enumerate(pairs.healthy):
        assert np.array_equal(tile(sheet, one, index)[..., 0], image)
