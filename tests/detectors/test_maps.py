"""Enlarged and smoothed maps against torch and scipy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import ndimage

from medad.detectors.maps import upsample
from medad.errors import MedadError


@pytest.mark.parametrize("grid", [(4, 4), (7, 5)])
def test_upsampling_is_bilinear_without_aligned_corners(grid: tuple[int, int]) -> None:
    maps = np.random.default_rng(0).random((2, *grid)).astype(np.float16)
    expected = torch.nn.functional.interpolate(
        torch.from_numpy(maps.astype(np.float32))[:, None],
        size=(32, 32),
        mode="bilinear",
        align_corners=False,
    )
    found = upsample(maps, 32, 0.0)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected[:, 0].numpy(), atol=2e-5)


def test_smoothing_is_a_truncated_gaussian() -> None:
    maps = np.random.default_rng(0).random((2, 8, 8)).astype(np.float32)
    plain = upsample(maps, 48, 0.0).astype(np.float64)
    expected = [ndimage.gaussian_filter(one, 3.0, mode="mirror", truncate=4.0) for one in plain]
    np.testing.assert_allclose(upsample(maps, 48, 3.0), expected, atol=1e-6)


def test_constant_maps_stay_constant() -> None:
    found = upsample(np.full((1, 3, 3), 2.5, np.float16), 24, 4.0)
    np.testing.assert_allclose(found, 2.5, atol=1e-6)


def test_one_map_is_refused() -> None:
    with pytest.raises(MedadError, match=r"allowed: \(n, h, w\)"):
        upsample(np.zeros((4, 4)), 32, 1.0)
