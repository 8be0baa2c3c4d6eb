"""Reverse distillation's networks: shapes of every backbone, numbers of weights, first values."""

import pytest
import torch

from medad.backbones.spec import ARCHITECTURES
from medad.detectors.rdad_networks import Bottleneck, Decoder, drawn
from medad.detectors.training import Training


# Numbers of weights as anomalib's get_decoder has them; its bottleneck never uses conv4 and bn4,
# which are not counted here, and is half as wide as the authors' for the wide network.
@pytest.mark.parametrize(
    ("name", "channels", "bottleneck", "decoder"),
    [
        ("resnet18", (64, 128, 256), 11_680_000, 3_703_168),
        ("resnet50", (256, 512, 1024), 30_829_568, 15_821_824),
        ("wide_resnet50_2", (256, 512, 1024), 58_885_120, 24_917_504),
    ],
)
@torch.no_grad()
def test_shapes_and_sizes(name, channels, bottleneck, decoder):
    narrow, wide = Bottleneck(name).eval(), Decoder(name).eval()
    sizes = (8, 4, 2)
    pyramid = {
        layer: torch.rand(2, count, size, size)
        for layer, count, size in zip((1, 2, 3), channels, sizes, strict=True)
    }
    code = narrow(pyramid)
    assert code.shape == (2, 512 * ARCHITECTURES[name].expansion, 1, 1)
    assert {n: x.shape for n, x in wide(code).items()} == {n: x.shape for n, x in pyramid.items()}
    counted = [sum(p.numel() for p in net.parameters()) for net in (narrow, wide)]
    assert counted == [bottleneck, decoder]


def test_initial_weights(tmp_path):
    one, same, other = (drawn("resnet18", Training(seed, tmp_path, "")) for seed in (1, 1, 2))
    block = one["decoder"].stages["3"]
    plain, doubling = block[1].main[0][0].weight, block[0].main[0][0].weight
    assert plain.std().item() == pytest.approx((2 / (256 * 9)) ** 0.5, rel=0.01)
    bound = (1 / (256 * 4)) ** 0.5  # of torch's own uniform draw
    assert bound * 0.99 < doubling.abs().max().item() <= bound
    for name in ("bottleneck", "decoder"):
        first, again, different = (
            dict(made[name].named_parameters()) for made in (one, same, other)
        )
        assert all(torch.equal(first[key], again[key]) for key in first)
        assert not all(torch.equal(first[key], different[key]) for key in first)
