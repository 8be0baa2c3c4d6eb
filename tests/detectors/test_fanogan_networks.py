"""f-AnoGAN's networks: shapes, the legacy switch, the critic's norm against numpy."""

import numpy as np
import pytest
import torch
from torch import nn

from medad.detectors.fanogan_networks import networks


def sizes(module):
    return [tuple(weight.shape) for weight in module.parameters() if weight.ndim > 1]


def test_architecture_at_64_pixels():
    made = networks(100, 64, legacy=False)
    halving = [(16, 3, 3, 3), (32, 16, 3, 3), (64, 32, 3, 3), (128, 64, 3, 3)]
    assert sizes(made["generator"]) == [
        (128 * 16 * 16, 100),
        (128, 128, 3, 3),
        (64, 128, 3, 3),
        (3, 64, 3, 3),
    ]
    assert sizes(made["critic"]) == [*halving, (1, 2048)]
    assert sizes(made["encoder"]) == [*halving, (100, 2048)]
    z = torch.zeros(2, 100)
    assert made["generator"](z).shape == (2, 3, 64, 64)
    assert made["critic"](made["generator"](z)).shape == (2, 1)
    assert made["encoder"](made["generator"](z)).shape == (2, 100)


@pytest.mark.parametrize("legacy", [False, True])
def test_legacy_is_three_mistakes_and_nothing_else(legacy):
    made = networks(100, 64, legacy)
    kinds = {name: [type(module) for module in net.modules()] for name, net in made.items()}
    norms = [m for net in made.values() for m in net.modules() if isinstance(m, nn.BatchNorm2d)]
    # The first of the generator is called without the misplaced argument.
    assert (norms[0].eps, norms[0].momentum) == (1e-5, 0.1)
    found = {(norm.eps, norm.momentum) for norm in norms[1:]}
    assert found == ({(0.8, 0.1)} if legacy else {(1e-5, 0.2)})
    assert (kinds["encoder"][-1] is nn.Tanh) == legacy
    assert (nn.BatchNorm2d in kinds["critic"]) == legacy
    assert (nn.GroupNorm in kinds["critic"]) != legacy
    exchanged = {nn.GroupNorm: nn.BatchNorm2d}
    other = networks(100, 64, not legacy)
    for name, net in made.items():
        rest = [kind for kind in kinds[name] if (name, kind) != ("encoder", nn.Tanh)]
        others = [type(m) for m in other[name].modules()]
        others = [kind for kind in others if (name, kind) != ("encoder", nn.Tanh)]
        assert [exchanged.get(kind, kind) for kind in rest] == [
            exchanged.get(kind, kind) for kind in others
        ]
        assert sizes(net) == sizes(other[name])


def test_the_critics_norm_is_layer_norm():
    norm = next(
        m for m in networks(4, 32, legacy=False)["critic"].modules() if isinstance(m, nn.GroupNorm)
    )
    x = np.random.default_rng(1).normal(3, 2, (2, 32, 4, 4)).astype(np.float32)
    mean, deviation = x.mean((1, 2, 3), keepdims=True), x.std((1, 2, 3), keepdims=True)
    normed = norm(torch.from_numpy(x)).detach().numpy()
    assert normed == pytest.approx((x - mean) / deviation, abs=1e-4)
