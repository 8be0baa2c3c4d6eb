"""UNet++'s nested decoder, against segmentation-models-pytorch 0.6.0 and against its description.

``fixtures/unetpp.npz`` holds outputs of that package's ``UnetPlusPlusDecoder`` (default norm, in
training mode, which takes the statistics of the batch), for the encoders, widths and sides of
``CASES``, with features and weights of the rules below. Its node ``x_{d}_{l}`` is ours in level
n - 1 - l and column l - d + 1, its last node our ``output``. Of ``four``, every third row and
column is kept. Recorded with ``decoder.py`` and ``base/modules.py`` of the wheel alone; nothing of
the package is needed here.
"""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from medad.files import read_npz
from medad.pretraining.unetpp import NestedDecoder, initialise

RECORDED = read_npz(Path(__file__).parent / "fixtures/unetpp.npz")
CASES = {  # channels of the encoder, widths of the decoder, side of the image
    "three": ((4, 3, 5, 6), (7, 5, 4, 2), 16),
    "four": ((3, 4, 4, 5, 6), (7, 6, 5, 4, 1), 64),
}


def weight(number, shape, name):
    """Of the parameter that is ``number`` among the sorted names."""
    wave = np.sin(1.7 * np.arange(np.prod(shape)) + number).reshape(shape)
    if "bn" in name:
        return 0.2 * wave + (1.0 if name.endswith("weight") else 0.0)
    return wave / np.sqrt(np.prod(shape[1:]))


def features(encoder, side):
    """Two images' features of every level."""
    found = []
    for level, channels in enumerate(encoder):
        shape = (2, channels, side >> level + 1, side >> level + 1)
        wave = np.sin(0.9 * np.arange(np.prod(shape)) + level)
        found.append(torch.tensor(wave.reshape(shape), dtype=torch.float32))
    return found


@torch.no_grad()
def filled(encoder, widths):
    decoder = NestedDecoder(encoder, widths)
    for number, (name, parameter) in enumerate(sorted(decoder.named_parameters())):
        parameter.copy_(torch.tensor(weight(number, tuple(parameter.shape), name)))
    return decoder


@pytest.mark.parametrize("case", CASES)
@torch.no_grad()
def test_equals_segmentation_models_pytorch(case):
    encoder, widths, side = CASES[case]
    made = filled(encoder, widths)(features(encoder, side), (side, side))
    assert made.shape == (2, widths[-1], side, side)
    kept = made if case == "three" else made[..., ::3, 1::3]
    np.testing.assert_allclose(kept.numpy(), RECORDED[case], atol=2e-4, rtol=1e-4)


def test_it_has_a_node_for_every_level_and_column():
    nodes = NestedDecoder((8, 8, 16, 32), (64, 16, 8, 4)).nodes
    assert set(nodes) == {"0_1", "0_2", "0_3", "1_1", "1_2", "2_1"}
    inputs = {name: node.conv1.in_channels for name, node in nodes.items()}
    outputs = {name: node.conv1.out_channels for name, node in nodes.items()}
    assert outputs == {"0_1": 8, "0_2": 8, "0_3": 8, "1_1": 8, "1_2": 16, "2_1": 64}
    assert inputs == {
        "0_1": 8 + 8,
        "0_2": 8 + 16,
        "0_3": 16 + 24,
        "1_1": 16 + 8,
        "1_2": 64 + 16,
        "2_1": 32 + 16,
    }


@settings(max_examples=20, deadline=None)
@given(st.integers(17, 48))
def test_any_side_will_do(side):
    """An encoder rounds up odd sides, so that a level need not be twice the one below."""
    sizes, size = [], side
    for _ in range(4):
        size = -(-size // 2)
        sizes.append(size)
    levels = [torch.zeros(2, 2, size, size) for size in sizes]
    assert filled((2,) * 4, (2,) * 4)(levels, (side, side)).shape == (2, 2, side, side)


def test_batches_change_nothing_but_the_gradient():
    decoder = filled(*CASES["three"][:2])
    before = {name: value.clone() for name, value in decoder.state_dict().items()}
    levels = features(CASES["three"][0], 16)
    first = decoder(levels, (16, 16))
    assert torch.equal(decoder.eval()(levels, (16, 16)), first)
    assert all(torch.equal(value, before[name]) for name, value in decoder.state_dict().items())
    assert not list(decoder.buffers())


def test_initial_weights_follow_from_the_generator():
    first, second = (NestedDecoder((4, 8, 8), (8, 4, 2)) for _ in range(2))
    torch.manual_seed(0)
    initialise(first, torch.Generator().manual_seed(1))
    torch.manual_seed(5)
    initialise(second, torch.Generator().manual_seed(1))
    for one, other in zip(first.parameters(), second.parameters(), strict=True):
        assert torch.equal(one, other)
    for module in first.modules():
        if isinstance(module, nn.Conv2d):
            bound = np.sqrt(6 / np.prod(module.weight.shape[1:]))
            assert 0.8 * bound < float(module.weight.detach().abs().max()) <= bound
