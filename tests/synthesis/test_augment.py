"""Augmentation: each part alone against a slow oracle, then together."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from medad.synthesis.augment import augment, change_tone, elastic_field, grid_knots
from medad.synthesis.parameters import Elastic, Grid, Tone


def only(parameters, **changes):
    """Parameters with every augmentation off but those given."""
    off = {
        "elastic": replace(parameters.elastic, probability=0.0),
        "grid": replace(parameters.grid, probability=0.0),
        "tone": replace(parameters.tone, probability=0.0),
        "flip": 0.0,
        "translate": 0.0,
    }
    return replace(parameters, **{**off, **changes})


def rng(seed=0):
    return np.random.default_rng(seed)


def bilinear(image, x, y):
    """Linear interpolation with mirrored borders, one pixel at a time."""

    def at(row, column):
        def mirror(index, length):
            period = 2 * (length - 1)
            index = index % period
            return min(index, period - index)

        return float(image[mirror(row, image.shape[0]), mirror(column, image.shape[1])])

    out = np.zeros(image.shape)
    for i in range(image.shape[0]):
        for j in range(image.shape[1]):
            c, r = int(np.floor(x[i, j])), int(np.floor(y[i, j]))
            u, v = x[i, j] - c, y[i, j] - r
            out[i, j] = (1 - v) * ((1 - u) * at(r, c) + u * at(r, c + 1)) + v * (
                (1 - u) * at(r + 1, c) + u * at(r + 1, c + 1)
            )
    return out


def smooth(side=40):
    y, x = np.mgrid[:side, :side]
    return np.rint(120 + 60 * np.sin(x / 5) + 50 * np.cos(y / 7)).astype(np.uint8)


def test_everything_off_is_a_copy(head, parameters):
    got = augment(head, only(parameters), rng())
    assert np.array_equal(got, head)
    assert not np.shares_memory(got, head)


def test_flip_mirrors_left_and_right(head, parameters):
    assert np.array_equal(augment(head, only(parameters, flip=1.0), rng()), head[:, ::-1])


def test_elastic_field_is_smoothed_noise_in_pixels():
    got = np.stack(elastic_field(48, 64, Elastic(1, 30, 4), rng(1)), axis=-1)
    noise = 2 * rng(1).random((48, 64, 2), dtype=np.float32) - 1
    slow = 30 * np.stack(
        [gaussian_filter(noise[..., c].astype(float), 4, mode="mirror") for c in range(2)], axis=-1
    )
    assert np.abs(got - slow).max() < 0.01 * np.abs(slow).max()


def test_elastic_moves_pixels_by_its_field(parameters):
    image = smooth()
    elastic = Elastic(1.0, 60.0, 6.0)
    got = augment(image, only(parameters, elastic=elastic), rng(2))
    again = rng(2)
    again.random(4)  # the four decisions
    dx, dy = elastic_field(40, 40, elastic, again)
    y, x = np.mgrid[:40, :40]
    assert np.abs(got - bilinear(image, x + dx, y + dy)).max() <= 2
    assert np.abs(dx).max() > 1


def test_grid_reads_between_its_knots(parameters):
    image = smooth()
    grid = Grid(1.0, 5, 0.3)
    got = augment(image, only(parameters, grid=grid), rng(3))
    again = rng(3)
    again.random(4)
    x = np.interp(np.arange(40), np.linspace(0, 39, 6), grid_knots(40, grid, again))
    y = np.interp(np.arange(40), np.linspace(0, 39, 6), grid_knots(40, grid, again))
    assert np.abs(got - bilinear(image, *np.meshgrid(x, y))).max() <= 2


@pytest.mark.parametrize("seed", range(20))
def test_grid_knots_stay_on_the_frame_and_in_order(seed):
    knots = grid_knots(64, Grid(1, 5, 0.3), rng(seed))
    widths = np.diff(knots)
    assert knots[0] == 0
    assert knots[-1] == pytest.approx(63)
    assert widths.min() > 0
    assert widths.max() / widths.min() <= 1.3 / 0.7 + 1e-9
    assert grid_knots(64, Grid(1, 5, 0.0), rng(seed)) == pytest.approx(np.linspace(0, 63, 6))


def test_translation_moves_by_at_most_its_fraction(parameters):
    image = np.zeros((80, 80), np.uint8)
    image[30:50, 30:50] = 200
    centres = []
    for seed in range(30):
        weights = augment(image, only(parameters, translate=0.1), rng(seed)).astype(float)
        y, x = np.mgrid[:80, :80]
        centres.append([(weights * x).sum(), (weights * y).sum()] / weights.sum() - 39.5)
    shifts = np.abs(centres)
    assert shifts.max() <= 8.05
    assert (shifts.max(axis=0) > 5).all()


def test_grid_with_translation_continues_beyond_the_frame(parameters):
    """An identity grid changes nothing of a shift, at the border either."""
    image = smooth()
    shifted = augment(image, only(parameters, translate=0.2), rng(4))
    both = augment(image, only(parameters, translate=0.2, grid=Grid(1.0, 5, 0.0)), rng(4))
    assert np.abs(shifted.astype(int) - both).max() <= 1


def test_tone_is_a_clipped_line():
    image = np.arange(256, dtype=np.uint8).reshape(16, 16)
    got = change_tone(image, Tone(1, 0.2, 0.2), rng(5))
    again = rng(5)
    contrast, brightness = again.uniform(-0.2, 0.2), again.uniform(-0.2, 0.2)
    for before, after in zip(image.ravel().tolist(), got.ravel().tolist(), strict=True):
        assert abs(after - min(max(before * (1 + contrast) + 255 * brightness, 0), 255)) <= 0.5


def test_colour_is_treated_channel_by_channel_alike(head, parameters):
    colour = np.stack((head, head[::-1], head.T), axis=-1)
    got = augment(colour, parameters, rng(6))
    assert got.shape == colour.shape
    for channel in range(3):
        alone = augment(np.ascontiguousarray(colour[..., channel]), parameters, rng(6))
        assert np.array_equal(got[..., channel], alone)


def test_rates_are_the_probabilities(head, parameters):
    changed = sum(
        not np.array_equal(augment(head, only(parameters, flip=0.3), rng(seed)), head)
        for seed in range(300)
    )
    assert 60 < changed < 120


def test_equal_generators_give_equal_bytes_whatever_the_threads(head, parameters):
    everything = replace(
        parameters,
        elastic=replace(parameters.elastic, probability=1.0),
        grid=replace(parameters.grid, probability=1.0),
    )
    before = cv2.getNumThreads()
    try:
        results = []
        for threads in (1, 2, 4):
            cv2.setNumThreads(threads)
            results.append(augment(head, everything, rng(7)).tobytes())
    finally:
        cv2.setNumThreads(before)
    assert len(set(results)) == 1
    assert augment(head, everything, rng(8)).tobytes() != results[0]
