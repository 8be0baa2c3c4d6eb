from __future__ import annotations

import numpy as np
import pytest

from medad.data.anatomy import blob, coordinates, draw_anatomy, edge, smooth_noise


def test_noise_is_standardised_and_as_smooth_as_asked():
    fields = [smooth_noise(np.random.default_rng(0), 64, scale) for scale in (0.02, 0.08)]
    for field in fields:
        assert abs(field.mean()) < 1e-12
        assert field.std() == pytest.approx(1)
    rough, calm = (np.abs(np.diff(field)).mean() for field in fields)
    assert rough > 3 * calm


def test_coordinates_are_symmetric_pixel_centres():
    u, v = coordinates(4)
    np.testing.assert_allclose(u[0], [-0.75, -0.25, 0.25, 0.75])
    np.testing.assert_array_equal(v, u.T)


def test_edge_and_blob():
    np.testing.assert_allclose(edge(np.array([-1.0, 0.0, 0.25, 1.0]), 1.0), [1, 0.5, 0.25, 0])
    u, v = coordinates(200)
    ellipse = blob(u, v, (0.2, -0.1), (0.3, 0.1), 0.5)
    area = ellipse.sum() * (2 / 200) ** 2
    assert area == pytest.approx(np.pi * 0.3 * 0.1, rel=0.05)
    assert (ellipse * u).sum() / ellipse.sum() == pytest.approx(0.2, abs=1e-3)
    upright = blob(u, v, (0, 0), (0.3, 0.1), np.pi / 2) > 0.5
    assert np.ptp(v[upright]) > 2 * np.ptp(u[upright])


@pytest.mark.parametrize("side", [32, 96])
def test_slices_have_a_head_in_air(side):
    for seed in range(5):
        anatomy = draw_anatomy(np.random.default_rng(seed), side)
        assert np.isfinite(anatomy.signal).all()
        assert anatomy.brain.min() == 0
        assert anatomy.brain.max() == 1
        assert 0.2 < anatomy.brain.mean() < 0.6
        assert anatomy.signal[anatomy.brain == 1].mean() > 5 * anatomy.signal[0].mean()
        np.testing.assert_array_equal(anatomy.brain > 0.5, anatomy.depth > 0)
        assert 0.8 < anatomy.depth.max() <= 1


def test_a_seed_is_a_slice():
    draws = [draw_anatomy(np.random.default_rng(seed), 48).signal for seed in (0, 0, 1)]
    np.testing.assert_array_equal(draws[0], draws[1])
    assert np.abs(draws[0] - draws[2]).mean() > 0.01
