"""Pairs of patches lie where they should; scores are spread as pixel by pixel."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from medad.detectors.patch_svdd_patches import jittered, neighbours, spread


def places(count, height, width):
    """Images whose three channels are row, column and number of the image."""
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    one = torch.stack([rows, columns]).float()
    numbers = torch.arange(count).float()[:, None, None, None].expand(count, 1, height, width)
    return torch.cat([one.expand(count, 2, height, width), numbers], 1)


def corner(patches):
    return patches[:, :2, 0, 0].round().long()


@settings(max_examples=30, deadline=None)
@given(size=st.sampled_from([32, 64]), seed=st.integers(0, 10_000))
def test_neighbours_are_where_their_class_says(size, seed):
    images = 1000 * places(5, 230, 260)  # so that noise is nothing
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        one, other, classes = neighbours(images, size)
    first, second = (corner(patches / 1000) for patches in (one, other))
    assert one.shape == other.shape == (5, 3, size, size)
    assert ((other[:, 2, 0, 0] / 1000).round() == torch.arange(5)).all()
    directions = [(y, x) for y in (-1, 0, 1) for x in (-1, 0, 1) if (y, x) != (0, 0)]
    limits = (230 - size, 260 - size)
    for a, b, number in zip(first.tolist(), second.tolist(), classes.tolist(), strict=True):
        for axis in (0, 1):
            sign, moved = directions[number][axis], b[axis] - a[axis]
            assert sign * moved >= 0
            if sign == 0:
                assert moved == 0
            elif 0 < b[axis] < limits[axis]:
                assert 3 * size // 4 <= abs(moved) < size
            else:
                assert abs(moved) < size  # kept inside the image


def test_noise_is_of_channels_and_pixels():
    images = torch.zeros(400, 3, 40, 40)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        one, other, _ = neighbours(images, 32)
    shift = one.mean((2, 3))
    assert shift.std().item() == pytest.approx(0.02, rel=0.1)
    assert (one - shift[:, :, None, None]).std().item() == pytest.approx(0.02, rel=0.01)
    assert not torch.allclose(shift, other.mean((2, 3)))


@settings(max_examples=30, deadline=None)
@given(size=st.sampled_from([32, 64]), seed=st.integers(0, 10_000))
def test_jitter_is_small_and_not_nothing(size, seed):
    images = places(6, 70, 80)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        one, other = jittered(images, size)
    first, second = corner(one), corner(other)
    moved = (second - first).abs()
    assert moved.max() <= size // 32
    limits = torch.tensor([70 - size, 80 - size])
    inside = ((first > 1) & (first < limits - 1)).all(1)
    assert (moved.sum(1)[inside] > 0).all()


@settings(max_examples=40, deadline=None)
@given(
    rows=st.integers(1, 5),
    columns=st.integers(1, 5),
    size=st.integers(1, 9),
    step=st.integers(1, 9),
    seed=st.integers(0, 1000),
)
def test_spread_is_the_mean_of_what_covers_a_pixel(rows, columns, size, step, seed):
    scores = np.random.default_rng(seed).uniform(size=(rows, columns))
    side = max(rows - 1, columns - 1) * step + size
    total, covered = np.zeros((2, side, side))
    for row, column in np.ndindex(rows, columns):
        place = np.s_[row * step : row * step + size, column * step : column * step + size]
        total[place] += scores[row, column]
        covered[place] += 1
    expected = np.divide(total, covered, out=np.zeros_like(total), where=covered > 0)
    np.testing.assert_allclose(spread(scores, side, size, step), expected, atol=1e-12)
