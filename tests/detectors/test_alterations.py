"""Changes of images: Pillow's enhancements, views that keep what they should, seeds."""

import numpy as np
import pytest
import torch
from PIL import Image, ImageEnhance

from medad.backbones.preprocess import normalise
from medad.detectors.alterations import (
    Views,
    blended,
    grey,
    jitter,
    maybe_grey,
    normalised,
    view,
)
from medad.errors import MedadError

STILL = Views(crop=1.0, rotate=0.0, flip=0.0, tone=0.0)


def pixels(seed=0, side=16):
    return np.random.default_rng(seed).integers(0, 256, (side, side, 3), dtype=np.uint8)


def tensor(image):
    return torch.from_numpy(np.array(image)).permute(2, 0, 1)[None].float() / 255


@pytest.mark.parametrize("factor", [0.8, 1.0, 1.2])
@pytest.mark.parametrize(
    ("which", "enhance"),
    [(0, ImageEnhance.Brightness), (1, ImageEnhance.Contrast), (2, ImageEnhance.Color)],
)
def test_tones_are_pillows_up_to_its_rounding(which, enhance, factor):
    image = Image.fromarray(pixels())
    expected = tensor(enhance(image).enhance(factor))
    assert torch.allclose(blended(tensor(image), which, factor), expected, atol=1.6 / 255)


def test_grey_is_pillows():
    image = Image.fromarray(pixels())
    expected = tensor(image.convert("L").convert("RGB"))
    assert torch.allclose(grey(tensor(image)), expected, atol=0.6 / 255)


def test_grey_by_chance():
    image = tensor(pixels())
    assert maybe_grey(image, 0.0) is image
    assert torch.equal(maybe_grey(image, 1.0), grey(image))


def test_normalised_as_the_trunks():
    images = np.stack([pixels(1), pixels(2)])
    ours = normalised(torch.cat([tensor(image) for image in images]))
    assert torch.allclose(ours, normalise(images), atol=1e-6)


def test_both_normalisations_are_those_of_the_trunk():
    image = pixels()
    for normalisation in ("imagenet", "half"):
        expected = normalise(image[None], normalisation)
        assert torch.allclose(normalised(tensor(image), normalisation), expected, atol=1e-5)


def test_jitter_stays_within_its_strength():
    flat = torch.full((1, 3, 4, 4), 0.5)
    torch.manual_seed(0)
    found = [jitter(flat, 0.2) for _ in range(60)]
    factors = [float(x.mean()) / 0.5 for x in found]  # of a flat image only brightness changes
    assert 0.8 <= min(factors) < 0.9
    assert 1.1 < max(factors) <= 1.2
    assert 20 < sum(abs(factor - 1) < 1e-6 for factor in factors) < 60
    assert torch.allclose(jitter(flat, 0.0), flat)


def test_a_view_of_no_change_is_the_image():
    image = tensor(pixels())
    assert torch.allclose(view(image, STILL), image, atol=1e-5)


def test_flips_are_mirror_images():
    image = tensor(pixels())
    mirrored = {(): image, (2,): image.flip(2), (3,): image.flip(3), (2, 3): image.flip(2, 3)}
    seen = set()
    torch.manual_seed(0)
    for _ in range(30):
        found = view(image, Views(1.0, 0.0, 0.5, 0.0))
        axes = [name for name, like in mirrored.items() if torch.allclose(found, like, atol=1e-5)]
        assert len(axes) == 1
        seen.add(axes[0])
    assert len(seen) == 4


def test_a_crop_is_part_of_the_image_enlarged():
    ramp = torch.linspace(0, 1, 64).expand(1, 3, 64, 64)  # rises by 1 over the width
    torch.manual_seed(0)
    for _ in range(10):
        row = view(ramp, Views(0.5, 0.0, 0.0, 0.0))[0, 0, 32]
        assert 0.5 - 1e-4 <= float(row[-1] - row[0]) * 64 / 63 <= 1.02
        assert row.min() >= 0
        assert row.max() <= 1


def test_a_turn_keeps_the_middle():
    spot = torch.zeros(1, 3, 65, 65)
    spot[:, :, 30:35, 30:35] = 1
    torch.manual_seed(0)
    turned = view(spot, Views(1.0, 180.0, 0.0, 0.0))
    assert turned[0, 0, 32, 32] == pytest.approx(1)
    assert float(turned.sum()) == pytest.approx(float(spot.sum()), rel=0.05)


def test_the_seed_decides():
    image, views = tensor(pixels()), Views(0.5, 15.0, 0.5, 0.2)
    found = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        found.append(view(image, views))
    assert torch.equal(found[0], found[1])
    assert not torch.equal(found[0], found[2])


@pytest.mark.parametrize(
    ("key", "value"), [("crop", 0.0), ("rotate", 200.0), ("flip", 2.0), ("tone", -0.1)]
)
def test_impossible_views_are_refused(key, value):
    with pytest.raises(MedadError, match=rf"views\.{key}: got {value}, allowed"):
        Views(**{"crop": 1.0, "rotate": 0.0, "flip": 0.0, "tone": 0.0, key: value})
