"""GANomaly's networks: shapes and initial weights. Their forward passes: test_ganomaly.py."""

import numpy as np
import pytest
import torch

from medad.detectors.ganomaly_networks import networks


def sizes(module):
    return [tuple(weight.shape) for weight in module.parameters() if weight.ndim > 1]


@pytest.mark.parametrize(
    ("resolution", "halvings", "anomalib"),
    [(16, 1, False), (32, 2, False), (32, 2, True), (256, 5, False), (256, 5, True)],
)
def test_architecture(resolution, halvings, anomalib):
    with torch.device("meta"):
        made = networks(resolution, 100, 2, anomalib)
        widest = 2 * 2**halvings
        down = [(2, 3, 4, 4), *((2 * w, w, 4, 4) for w in [2 * 2**n for n in range(halvings)])]
        assert sizes(made["encoder"]) == [*down, (100, widest, 4, 4)] == sizes(made["reencoder"])
        assert sizes(made["discriminator"]) == [*down, (1, widest, 4, 4)]
        # A transposed convolution has its input's channels first.
        assert sizes(made["decoder"]) == [(100, widest, 4, 4), *reversed(down)]
        x = torch.zeros(1, 3, resolution, resolution)
        code = made["encoder"](x)
        assert code.shape == (1, 100, 1, 1)
        assert made["decoder"](code).shape == x.shape
        assert made["discriminator"][0](x).shape == (1, widest, 4, 4)
        assert made["discriminator"](x).shape == (1, 1, 1, 1)
    kinds = (torch.nn.Conv2d, torch.nn.ConvTranspose2d)
    convolutions = [m for net in made.values() for m in net.modules() if isinstance(m, kinds)]
    assert all(module.bias is None for module in convolutions)


@pytest.mark.parametrize("anomalib", [False, True])
def test_initial_weights(anomalib):
    torch.manual_seed(0)
    decoder = networks(32, 20, 16, anomalib)["decoder"]
    first, norm = decoder[0].weight, decoder[1]
    # torch's own: uniform up to 1 / sqrt(64 * 4 * 4), or a deviation of .018 where DCGAN has .02.
    bounded = bool(first.abs().max() <= 1 / np.sqrt(64 * 16))
    assert bounded == anomalib
    if not anomalib:
        assert first.std().item() == pytest.approx(0.02, rel=0.02)
        assert norm.weight.mean().item() == pytest.approx(1, abs=0.01)
        assert norm.weight.std().item() == pytest.approx(0.02, rel=0.3)
