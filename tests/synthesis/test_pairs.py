"""The pool: shapes, sources, and that it follows from its generator alone."""

import time
from dataclasses import replace

import numpy as np
import pytest

from medad.errors import MedadError
from medad.synthesis.augment import augment
from medad.synthesis.pairs import build_pairs, without_repeated_channels


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.fixture(scope="module")
def shots(draw_head):
    return np.stack([draw_head(96, seed) for seed in range(3)])


def still(parameters):
    """No augmentation: every healthy image equals its shot."""
    return replace(
        parameters,
        elastic=replace(parameters.elastic, probability=0.0),
        grid=replace(parameters.grid, probability=0.0),
        tone=replace(parameters.tone, probability=0.0),
        flip=0.0,
    )


def test_shapes_types_and_balanced_sources(shots, parameters):
    pairs = build_pairs(shots, replace(parameters, pairs=7), rng())
    for images in (pairs.healthy, pairs.anomalous, pairs.masks):
        assert images.shape == (7, 96, 96)
        assert images.dtype == np.uint8
    assert np.array_equal(pairs.originals, shots)
    assert np.bincount(pairs.healthy_base).tolist() == [3, 2, 2]
    assert pairs.anomalous_base.dtype == pairs.healthy_base.dtype == np.int64
    assert set(np.unique(pairs.masks)) == {0, 1}
    assert (pairs.masks.sum(axis=(1, 2)) > 10).all()
    assert list(pairs.arrays()) == [
        "originals",
        "healthy",
        "anomalous",
        "masks",
        "healthy_base",
        "anomalous_base",
    ]


def test_healthy_images_are_augmentations_of_their_source(shots, parameters):
    pairs = build_pairs(shots, parameters, rng(1))
    again = rng(1)
    for image, base in zip(pairs.healthy, pairs.healthy_base, strict=True):
        assert np.array_equal(image, augment(shots[base], parameters, again))


@pytest.mark.parametrize("base", ["any", "original"])
def test_an_anomalous_image_is_its_source_outside_the_spot(shots, parameters, base):
    choice = replace(still(parameters), base=base, pairs=20)
    pairs = build_pairs(shots, choice, rng(2))
    for image, mask, source in zip(pairs.anomalous, pairs.masks, pairs.anomalous_base, strict=True):
        assert np.array_equal(image[mask == 0], shots[source][mask == 0])
        assert not np.array_equal(image, shots[source])
    assert set(pairs.anomalous_base) == {0, 1, 2}


def test_base_original_never_puts_a_spot_on_an_augmented_image(shots, parameters):
    flipped = replace(still(parameters), flip=1.0, pairs=12)
    for base, expected in (("original", {True}), ("any", {True, False})):
        pairs = build_pairs(shots, replace(flipped, base=base), rng(3))
        unchanged = {
            bool(np.array_equal(image[mask == 0], shots[source][mask == 0]))
            for image, mask, source in zip(
                pairs.anomalous, pairs.masks, pairs.anomalous_base, strict=True
            )
        }
        assert unchanged == expected


def test_base_any_gives_every_image_of_both_kinds_the_same_chance(shots, parameters):
    flipped = replace(still(parameters), flip=1.0, pairs=60)
    pairs = build_pairs(shots, flipped, rng(4))
    on_shot = sum(
        np.array_equal(image[mask == 0], shots[source][mask == 0])
        for image, mask, source in zip(
            pairs.anomalous, pairs.masks, pairs.anomalous_base, strict=True
        )
    )
    assert on_shot <= 12  # 3 of 63 images are shots


def test_repeated_channels_are_dropped_only_when_all_images_are_grey(shots, parameters):
    grey = np.repeat(shots[..., None], 3, axis=3)
    assert np.array_equal(without_repeated_channels(grey), shots)
    tinted = grey.copy()
    tinted[1, 4, 4, 2] ^= 1
    assert without_repeated_channels(tinted) is tinted
    pairs = build_pairs(tinted, parameters, rng(5))
    assert pairs.healthy.shape == pairs.anomalous.shape == (6, 96, 96, 3)
    assert pairs.masks.shape == (6, 96, 96)


def test_follows_from_its_generator(shots, parameters):
    def content(seed):
        pairs = build_pairs(shots, parameters, rng(seed))
        return b"".join(array.tobytes() for array in pairs.arrays().values())

    np.random.seed(0)
    first = content(6)
    np.random.seed(1)
    assert content(6) == first
    assert content(7) != first


def test_one_shot_and_one_pair(shots, parameters):
    pairs = build_pairs(shots[:1], replace(parameters, pairs=1), rng())
    assert pairs.anomalous_base.tolist() == [0]


def test_a_constant_shot_still_gets_a_spot(parameters):
    pairs = build_pairs(np.full((1, 64, 64), 80, np.uint8), parameters, rng())
    assert pairs.masks.any(axis=(1, 2)).all()


def test_no_shots_are_refused(parameters):
    with pytest.raises(MedadError, match="1 or more"):
        build_pairs(np.empty((0, 96, 96, 3), np.uint8), parameters, rng())


def test_progress_counts_every_image(shots, parameters):
    seen = []
    build_pairs(shots, parameters, rng(), lambda done, total: seen.append((done, total)))
    assert seen == [(done, 12) for done in range(1, 13)]


def test_64_images_of_256_pixels_take_less_than_a_second(draw_head, parameters):
    shots = np.stack([draw_head(256, seed) for seed in range(4)])
    start = time.process_time()
    build_pairs(shots, replace(parameters, pairs=32), rng())
    assert time.process_time() - start < 1.0
