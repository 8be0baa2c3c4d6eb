"""Spots: where they are, what they contain, and when there is no place."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medad.errors import MedadError
from medad.synthesis.brain_mask import brain_mask
from medad.synthesis.spots import add_spot, noise_texture, place_spot, random_outline


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.fixture(scope="module")
def disc():
    canvas = cv2.circle(np.zeros((80, 80), np.uint8), (40, 40), 30, 1, cv2.FILLED)
    return canvas.astype(bool)


@pytest.mark.parametrize("shape", ["curve", "hull"])
@pytest.mark.parametrize("inside", [0.6, 1.0])
def test_a_spot_lies_in_the_brain_and_enough_of_it(disc, parameters, shape, inside):
    """The same spot, placed with no brain to cut it, gives its full area."""
    choice = replace(parameters, shape=shape, inside=inside)
    for seed in range(40):
        label = place_spot(disc, choice, rng(seed))
        assert label.any()
        assert not (label & ~disc).any()
        if inside == 1.0:
            outline, _ = cv2.findContours(
                label.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE
            )
            assert len(outline) == 1, "whole spots are in one piece"


@pytest.mark.parametrize("seed", range(25))
def test_the_label_is_the_filled_outline_cut_by_the_brain(disc, parameters, seed):
    """Oracle: every candidate drawn on a canvas with a margin wider than any spot."""
    label = place_spot(disc, parameters, rng(seed))
    again, margin, side = rng(seed), 80, 80
    size = again.uniform(*parameters.scale) * side
    corners = np.rint(random_outline(parameters, again) * size).astype(np.int32)
    for centre in again.choice(np.flatnonzero(disc), 50):
        canvas = np.zeros((side + 2 * margin,) * 2, np.uint8)
        place = np.array([centre % side, centre // side]) + margin
        cv2.fillPoly(canvas, [(corners + place).astype(np.int32)], 1)
        cut = canvas[margin:-margin, margin:-margin].astype(bool) & disc
        if cut.sum() >= parameters.inside * canvas.sum():
            break
    # Where a curve crosses itself the label has the enclosed pixels that fillPoly leaves out.
    assert not (cut & ~label).any()
    assert np.count_nonzero(label & ~cut) <= 3


def test_places_are_spread_over_the_brain(disc, parameters):
    small = replace(parameters, scale=(0.05, 0.05))
    labels = [place_spot(disc, small, rng(seed)) for seed in range(200)]
    quarters = [
        sum(label[rows, columns].any() for label in labels)
        for rows in (slice(40), slice(40, 80))
        for columns in (slice(40), slice(40, 80))
    ]
    assert min(quarters) > 30


def test_size_grows_with_scale(disc, parameters):
    areas = [
        np.mean(
            [
                place_spot(np.ones_like(disc), replace(parameters, scale=(s, s)), rng(i)).sum()
                for i in range(60)
            ]
        )
        for s in (0.15, 0.3)
    ]
    assert areas[1] / areas[0] == pytest.approx(4, rel=0.25)
    assert areas[1] / (0.3 * 80) ** 2 == pytest.approx(0.31, abs=0.06)


def test_parts_beyond_the_frame_count_as_outside(parameters):
    everywhere = np.ones((64, 64), bool)
    whole = replace(parameters, inside=1.0, scale=(0.35, 0.35))
    for seed in range(30):
        label = place_spot(everywhere, whole, rng(seed))
        outline = random_outline(whole, skip(rng(seed))) * 0.35 * 64
        height, width = np.ptp(np.rint(outline), axis=0)[::-1] + 1
        rows, columns = np.flatnonzero(label.any(axis=1)), np.flatnonzero(label.any(axis=0))
        assert rows[-1] - rows[0] + 1 == height
        assert columns[-1] - columns[0] + 1 == width


def skip(generator):
    generator.uniform(0.35, 0.35)
    return generator


@pytest.mark.parametrize("brain", [np.zeros((40, 40), bool), np.eye(40, dtype=bool)])
def test_no_place_is_said_with_what_to_change(parameters, brain):
    with pytest.raises(MedadError, match=r"lower synthesis\.consult\.inside"):
        place_spot(brain, parameters, rng())


@pytest.mark.parametrize("fill", ["literal", "mu_sigma"])
def test_texture_is_pasted_under_the_label_and_nowhere_else(head, parameters, fill):
    brain = brain_mask(head)
    choice = replace(parameters, fill=fill)
    for seed in range(10):
        before = head.copy()
        image, label = add_spot(head, brain, choice, rng(seed))
        assert np.array_equal(image[~label], head[~label])
        assert (image[label] != head[label]).mean() > 0.8
        assert np.array_equal(head, before)


def test_fills_share_the_place_and_differ_in_texture(head, parameters):
    brain = brain_mask(head)
    one, label = add_spot(head, brain, replace(parameters, fill="literal"), rng(3))
    two, same = add_spot(head, brain, replace(parameters, fill="mu_sigma"), rng(3))
    assert np.array_equal(label, same)
    assert not np.array_equal(one, two)


def test_mu_sigma_gives_one_level_an_image_and_literal_all_levels(head, parameters):
    brain = brain_mask(head)

    def levels(fill):
        spots = [add_spot(head, brain, replace(parameters, fill=fill), rng(s)) for s in range(60)]
        inner = [image[label].astype(float) for image, label in spots]
        return np.std([x.mean() for x in inner]), np.mean([x.std() for x in inner])

    between, within = levels("mu_sigma")
    assert between > 50
    assert within < 20
    assert levels("literal")[1] > 30


def test_colour_images_get_a_grey_spot(head, parameters):
    colour = np.stack((head, head // 2, head // 3), axis=-1)
    image, label = add_spot(colour, brain_mask(head), parameters, rng(1))
    grey, same = add_spot(head, brain_mask(head), parameters, rng(1))
    assert np.array_equal(label, same)
    for channel in range(3):
        assert np.array_equal(image[label][:, channel], grey[label])
        assert np.array_equal(image[~label], colour[~label])


def test_texture_is_a_clipped_bilinear_enlargement():
    got = noise_texture((45, 60), 128, 128, rng(2)).astype(float)
    cells = 128 + 128 * rng(2).standard_normal((15, 15))
    for row in range(45):
        for column in range(60):
            y = np.clip((row + 0.5) * 15 / 45 - 0.5, 0, 14)
            x = np.clip((column + 0.5) * 15 / 60 - 0.5, 0, 14)
            r, c = min(int(y), 13), min(int(x), 13)
            u, v = x - c, y - r
            level = (1 - v) * ((1 - u) * cells[r, c] + u * cells[r, c + 1]) + v * (
                (1 - u) * cells[r + 1, c] + u * cells[r + 1, c + 1]
            )
            assert abs(got[row, column] - np.clip(level, 0, 255)) <= 0.51


@given(st.integers(0, 10_000))
@settings(deadline=None, max_examples=40)
def test_filled_spots_have_no_holes(parameters, seed):
    twisted = replace(parameters, points=10, scale=(0.8, 0.8), inside=0.1)
    label = place_spot(np.ones((96, 96), bool), twisted, rng(seed)).astype(np.uint8)
    outside = np.pad(1 - label, 1, constant_values=1)
    assert cv2.connectedComponents(outside, connectivity=4)[0] == 2
