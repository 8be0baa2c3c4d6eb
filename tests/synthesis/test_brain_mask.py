"""The brain mask on drawn heads and on images without one."""

import cv2
import numpy as np
import pytest

from medad.synthesis.brain_mask import brain_mask


def ellipse(side, axes, centre=None):
    canvas = np.zeros((side, side), np.uint8)
    return cv2.ellipse(
        canvas, centre or (side // 2, side // 2), axes, 0, 0, 360, 1, cv2.FILLED
    ).astype(bool)


def test_fills_the_head_without_its_edge(head):
    mask = brain_mask(head)
    brain = ellipse(96, (32, 40))
    assert mask.dtype == bool
    assert mask.shape == head.shape
    assert not (mask & ~brain).any()
    assert (mask & brain).sum() / brain.sum() > 0.8
    assert mask[48, 48], "the dark ventricle inside is a hole, and filled"


def test_colour_and_tone_do_not_move_it(head):
    mask = brain_mask(head)
    colour = np.repeat(head[..., None], 3, axis=2)
    assert np.array_equal(brain_mask(colour), mask)
    brighter = np.clip(head * 1.1 + 40, 0, 255).astype(np.uint8)
    assert np.mean(brain_mask(brighter) != mask) < 0.02


def test_is_one_piece_without_holes(head):
    speckled = head.copy()
    speckled[5:8, 5:8] = 255
    mask = brain_mask(speckled).astype(np.uint8)
    assert not mask[:12, :12].any()
    assert cv2.connectedComponents(mask)[0] == 2
    outside = np.pad(1 - mask, 1, constant_values=1)
    assert cv2.connectedComponents(outside, connectivity=4)[0] == 2


def test_prefers_the_middle_to_larger_white_bars():
    image = np.where(ellipse(96, (12, 30)), 160, 0).astype(np.uint8)
    image[:, :20] = image[:, -20:] = 255
    mask = brain_mask(image)
    assert not mask[:, :20].any()
    assert not mask[:, -20:].any()
    assert mask[48, 48]


def test_small_bright_object_falls_back_to_a_tenth_of_the_maximum():
    brain = ellipse(96, (32, 40))
    image = np.where(brain, 40, 0).astype(np.uint8)
    image[46:52, 46:52] = 255  # Otsu's threshold sees only this
    mask = brain_mask(image)
    assert (mask & brain).sum() / brain.sum() > 0.8
    assert not (mask & ~brain).any()


@pytest.mark.parametrize("value", [0, 1, 128, 255])
def test_constant_image_is_brain_all_over(value):
    assert brain_mask(np.full((32, 32), value, np.uint8)).all()


def test_texture_over_the_whole_frame_is_brain_nearly_all_over():
    noise = np.random.default_rng(0).integers(100, 156, (64, 64)).astype(np.uint8)
    assert brain_mask(noise).mean() > 0.5


def test_a_speck_away_from_the_middle_is_no_brain():
    image = np.zeros((64, 64), np.uint8)
    image[2:9, 2:9] = 255
    assert brain_mask(image).all()
