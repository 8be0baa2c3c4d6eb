"""Patch SVDD's encoder on whole images equals itself on patches; what its classifier learns."""

import pytest
import torch

from medad.detectors.patch_svdd_networks import Encoder, Position


@pytest.fixture
def encoder():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return Encoder(6, 0.2)


def test_sizes_of_the_authors_encoder():
    whole = Encoder(64, 1.0)
    counts = [sum(p.numel() for p in m.parameters()) for m in (whole.small_layers, whole)]
    convolutions = [(3, 32), (32, 64), (64, 128), (128, 128), (128, 64), (64, 32), (32, 32)]
    small = sum(9 * a * b + b for a, b in [*convolutions, (32, 64)])
    assert counts == [small, small + 4 * 64 * 128 + 128 + 128 * 64 + 64]


@torch.no_grad()
def test_whole_images_give_what_patches_give(encoder):
    image = torch.rand(1, 3, 90, 78)
    small = encoder.small(image)
    large = encoder.large(small)
    assert small.shape == (1, 6, 30, 24)
    assert large.shape == (1, 6, 14, 8)
    for size, found in ((32, small), (64, large)):
        for row, column in ((0, 0), (3, 5), (found.shape[2] - 1, found.shape[3] - 1)):
            y, x = 2 * row, 2 * column
            patch = image[:, :, y : y + size, x : x + size]
            alone = encoder.of_patches(patch)[0]
            assert torch.allclose(found[0, :, row, column], alone, atol=1e-5)


@torch.no_grad()
def test_a_large_patch_is_made_of_its_quadrants_in_order(encoder):
    patch = torch.rand(1, 3, 64, 64)
    corners = [encoder.small(patch[:, :, y : y + 32, x : x + 32]) for y in (0, 32) for x in (0, 32)]
    square = torch.cat([torch.cat(corners[:2], 3), torch.cat(corners[2:], 3)], 2)
    hidden = torch.nn.functional.leaky_relu(encoder.quadrants(square), 0.1)
    expected = torch.tanh(encoder.large_layer(hidden)).flatten()
    assert torch.allclose(encoder.of_patches(patch)[0], expected, atol=1e-6)


@pytest.mark.parametrize("fixed", [True, False])
def test_fixed_classes_never_learn(fixed):
    classifier = Position(6, fixed)
    lengths = classifier.last.weight.norm(dim=0)
    assert torch.allclose(lengths, torch.ones(128), atol=1e-5) == fixed
    classifier(torch.rand(4, 6), torch.rand(4, 6)).sum().backward()
    assert (classifier.last.weight.grad is None) == fixed
    assert classifier.last.bias.grad is not None


def test_it_sees_the_difference_alone():
    classifier = Position(6, False)
    one, other, shift = torch.rand(3, 4, 6)
    assert torch.allclose(classifier(one, other), classifier(one + shift, other + shift), atol=1e-5)
