"""The descriptor against convolutions as the paper writes them."""

import pytest
import torch
from torch import nn

from medad.detectors.adfa_descriptor import Descriptor, adaptive_kernel, coordinates
from medad.errors import MedadError


def drawn(seed, *shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("pooling", ["both", "average", "maximum"])
@pytest.mark.parametrize("kernel", [3, 5])
def test_equals_a_convolution_and_equations_1_and_2(pooling, kernel):
    descriptor = Descriptor(12, 4, 0.1, kernel, pooling).double()
    features, places = drawn(0, 2, 30, 12), coordinates(5, 6).double()
    found = descriptor(features, places)
    convolution = nn.Conv2d(14, 3, 1).double()
    convolution.weight.data = descriptor.reduce.weight.data[:, :, None, None]
    convolution.bias.data = descriptor.reduce.bias.data
    grid = features.permute(0, 2, 1).reshape(2, 12, 5, 6)
    rows = torch.linspace(-1, 1, 5, dtype=torch.float64)[:, None].expand(5, 6)
    columns = torch.linspace(-1, 1, 6, dtype=torch.float64)[None].expand(5, 6)
    both = torch.stack([rows, columns]).expand(2, 2, 5, 6)
    reduced = convolution(torch.cat([grid, both], 1))
    logits = torch.zeros(2, 1, 3, dtype=torch.float64)
    if pooling != "average":
        logits = logits + descriptor.attend(reduced.amax((2, 3))[:, None])
    if pooling != "maximum":
        logits = logits + descriptor.attend(reduced.mean((2, 3))[:, None])
    gate = torch.sigmoid(logits)[:, 0, :, None, None]
    expected = reduced + 0.1 * gate * reduced
    assert torch.allclose(found, expected.flatten(2).permute(0, 2, 1), rtol=1e-12)


def test_without_attention_it_is_linear():
    descriptor = Descriptor(8, 2, 0.0, 3, "both").double()
    a, b, places = drawn(0, 1, 4, 8), drawn(1, 1, 4, 8), coordinates(2, 2).double()
    middle = descriptor((a + b) / 2, places)
    assert torch.allclose(middle, (descriptor(a, places) + descriptor(b, places)) / 2)


def test_it_has_the_size_of_the_paper():
    descriptor = Descriptor(1792, 4, 0.1, 9, "both")
    assert sum(p.numel() for p in descriptor.parameters()) == 804_160 + 9
    assert descriptor(torch.zeros(1, 4, 1792), coordinates(2, 2)).shape == (1, 4, 448)


@pytest.mark.parametrize(("channels", "size"), [(448, 5), (1792, 5), (64, 3), (128, 5), (2, 1)])
def test_adaptive_kernels_are_those_of_eca(channels, size):
    assert adaptive_kernel(channels) == size


def test_coordinates_go_from_corner_to_corner():
    assert coordinates(2, 3).tolist() == [[-1, -1], [-1, 0], [-1, 1], [1, -1], [1, 0], [1, 1]]
    assert coordinates(1, 1).tolist() == [[0, 0]]


def test_more_reduction_than_channels_is_refused():
    with pytest.raises(MedadError, match="reduction: got 9, allowed: at most the 8 channels"):
        Descriptor(8, 9, 0.1, 3, "both")
