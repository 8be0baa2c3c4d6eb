"""Images to a network's values and back."""

import numpy as np
import pytest
import torch

from medad.detectors.pixels import require_side, to_images, to_pixels, to_unit
from medad.errors import MedadError


def test_range_and_order():
    image = np.zeros((1, 4, 4, 3), np.uint8)
    image[0, 1, 2] = (255, 51, 0)
    pixels = to_pixels(image, 4, "cpu")
    assert (pixels.shape, pixels.dtype) == ((1, 3, 4, 4), torch.float32)
    assert pixels[0, :, 1, 2].tolist() == pytest.approx([1, -0.6, -1])
    assert pixels[0, :, 0, 0].tolist() == [-1, -1, -1]


def test_shrinks_by_area():
    image = np.random.default_rng(0).integers(0, 256, (1, 12, 12, 3)).astype(np.uint8)
    means = image.reshape(1, 4, 3, 4, 3, 3).mean((2, 4))
    pixels = to_pixels(image, 4, "cpu").permute(0, 2, 3, 1).numpy()
    assert np.abs((pixels + 1) * 127.5 - means).max() <= 0.5 + 1e-4


def test_there_and_back_is_the_same():
    image = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1).repeat(3, 3)
    assert np.array_equal(to_images(to_pixels(image, 16, "cpu")), image)
    outside = torch.tensor([-1.5, 1.5, 0.999]).reshape(1, 3, 1, 1)
    assert to_images(outside).tolist() == [[[[0, 255, 255]]]]


def test_unit_range_and_refusals():
    image = np.zeros((2, 4, 4, 3), np.uint8)
    image[1, 3, 0] = (255, 51, 0)
    values = to_unit(image, 4, "cpu")
    assert (values.shape, values.dtype) == ((2, 3, 4, 4), torch.float32)
    assert values[1, :, 3, 0].tolist() == pytest.approx([1, 0.2, 0])
    for wrong in (image.astype(np.float32), image[..., :2], image[:, :3]):
        with pytest.raises(MedadError, match=r"images: got .*, allowed: uint8 \(N, 4, 4, 3\)"):
            require_side(wrong, 4)
        with pytest.raises(MedadError, match="images: got"):
            to_unit(wrong, 4, "cpu")
