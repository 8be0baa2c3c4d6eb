import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from medad.backbones.preprocess import normalise
from medad.backbones.pyramid import aggregate, features
from medad.backbones.resnet import build
from medad.backbones.spec import TrunkSpec
from medad.errors import MedadError


def _images(count, side=40):
    return np.random.default_rng(0).integers(0, 256, (count, side, side), dtype=np.uint8)


@pytest.mark.parametrize("normalisation", ["imagenet", "half"])
def test_batches_are_joined_in_order_and_equal_one_pass(normalisation):
    spec = TrunkSpec("resnet18", normalisation=normalisation)
    trunk = build(spec, torch.Generator().manual_seed(0))
    images = _images(5)
    with torch.no_grad():
        expected = trunk(normalise(images, normalisation), [1, 3])
    ours = features(trunk, images, (1, 3), batch=2)
    for layer in (1, 3):
        assert ours[layer].is_contiguous(memory_format=torch.channels_last)
        assert not ours[layer].requires_grad
        torch.testing.assert_close(ours[layer], expected[layer], rtol=1e-3, atol=1e-3)


def test_the_trunk_can_be_trained_afterwards():
    trunk = build(TrunkSpec("resnet18"), torch.Generator().manual_seed(0))
    features(trunk, _images(1), (1,))
    trunk(normalise(_images(1)), [1])[1].sum().backward()
    assert trunk.conv1.weight.grad.abs().max() > 0


def _pooled(x, side):
    """Mean over a window with zeros outside, by loops."""
    half, (height, width) = side // 2, x.shape[-2:]
    padded = np.pad(x, ((0, 0), (half, half), (half, half)))
    result = np.empty_like(x)
    for i, j in np.ndindex(height, width):
        result[:, i, j] = padded[:, i : i + side, j : j + side].sum((1, 2)) / side**2
    return result


def _resized(x, height, width):
    """Bilinear, corners not aligned, by loops."""
    result = np.empty((len(x), height, width))
    for i, j in np.ndindex(height, width):
        y = max((i + 0.5) * x.shape[1] / height - 0.5, 0)
        z = max((j + 0.5) * x.shape[2] / width - 0.5, 0)
        top, left = int(y), int(z)
        below, right = min(top + 1, x.shape[1] - 1), min(left + 1, x.shape[2] - 1)
        v, w = y - top, z - left
        upper = (1 - w) * x[:, top, left] + w * x[:, top, right]
        lower = (1 - w) * x[:, below, left] + w * x[:, below, right]
        result[:, i, j] = (1 - v) * upper + v * lower
    return result


@settings(max_examples=15, deadline=None)
@given(pool=st.sampled_from([1, 3, 5]), grid=st.sampled_from([1, 2, 3]), side=st.integers(2, 4))
def test_aggregate_equals_loops(pool, grid, side):
    generator = torch.Generator().manual_seed(side)
    pyramid = {
        layer: torch.rand(
            2, layer, side * 2 ** (3 - layer), side * 2 ** (3 - layer) + 1, generator=generator
        )
        for layer in (1, 2, 3)
    }
    ours = aggregate(pyramid, (1, 2, 3), grid, pool).double().numpy()
    height, width = pyramid[grid].shape[-2:]
    for n in range(2):
        maps = [_pooled(pyramid[layer][n].double().numpy(), pool) for layer in (1, 2, 3)]
        expected = np.concatenate([_resized(x, height, width) for x in maps])
        np.testing.assert_allclose(ours[n], expected, atol=1e-5)


def test_an_even_window_is_refused():
    with pytest.raises(MedadError, match="pool: got 2"):
        aggregate({1: torch.zeros(1, 1, 4, 4)}, (1,), 1, 2)
