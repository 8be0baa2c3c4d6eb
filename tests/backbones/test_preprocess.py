import numpy as np
import pytest
import torch

from medad.backbones.preprocess import normalise
from medad.errors import MedadError


def test_golden_values():
    image = np.zeros((1, 2, 3, 3), np.uint8)
    image[0, 1, 2] = (255, 0, 51)
    ours = normalise(image)
    assert ours.shape == (1, 3, 2, 3)
    assert ours.dtype == torch.float32
    expected = [(1 - 0.485) / 0.229, -0.456 / 0.224, (0.2 - 0.406) / 0.225]
    assert ours[0, :, 1, 2].tolist() == pytest.approx(expected, rel=1e-6)


def test_half_brings_pixels_to_minus_one_to_one():
    grey = np.array([[[0, 51, 255]]], np.uint8)
    assert normalise(grey, "half")[0, 0, 0].tolist() == pytest.approx([-1, -0.6, 1])


def test_a_grey_image_is_the_same_in_every_channel():
    grey = np.random.default_rng(0).integers(0, 256, (2, 5, 4), dtype=np.uint8)
    assert torch.equal(normalise(grey), normalise(np.repeat(grey[..., None], 3, -1)))


@pytest.mark.parametrize(
    "images",
    [np.zeros((2, 4, 4), np.float32), np.zeros((4, 4), np.uint8), np.zeros((1, 4, 4, 4), np.uint8)],
)
def test_refuses_other_images(images):
    with pytest.raises(MedadError, match="must be uint8"):
        normalise(images)
