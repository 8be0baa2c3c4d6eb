"""EfficientAD's networks: shapes, anomalib's outputs, and the names of published weights."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from filled import fill, image

from medad.detectors.alterations import normalised
from medad.detectors.pdn import SIZES, AutoEncoder, PatchDescription, grid, published
from medad.errors import MedadError

FIXTURE = Path(__file__).parent / "fixtures" / "efficientad.npz"


@pytest.fixture(scope="module")
def anomalib():
    """Recorded once from anomalib 2.7.0's models of 8 channels, with ``fill`` and ``image``.

    PDNs at 64 pixels; the auto-encoder at 256, of whose output each eighth row and column is kept.
    """
    with np.load(FIXTURE) as archive:
        return dict(archive)


@pytest.mark.parametrize("size", SIZES)
@torch.no_grad()
def test_descriptions_are_anomalibs(anomalib, size):
    found = fill(PatchDescription(size, 8))(normalised(image(64)))
    assert found[0].numpy() == pytest.approx(anomalib[size], abs=2e-5)


@torch.no_grad()
def test_the_auto_encoder_is_anomalibs(anomalib):
    found = fill(AutoEncoder(256, 8))(normalised(image(256)))[0, :, ::8, ::8]
    assert found.numpy() == pytest.approx(anomalib["autoencoder"], abs=2e-5)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("side", [36, 37, 39, 48, 50, 65, 128])
@torch.no_grad()
def test_teacher_and_auto_encoder_share_a_grid(size, side):
    x = torch.rand(1, 3, side, side)
    described = PatchDescription(size, 6, 0.02)(x)
    assert described.shape == AutoEncoder(side, 6)(x).shape == (1, 6, grid(side), grid(side))


@pytest.mark.parametrize("size", SIZES)
def test_a_part_of_the_outputs_is_that_part(size):
    network, x = PatchDescription(size, 6, 0.05), torch.rand(1, 3, 48, 48)
    assert torch.allclose(network(x, slice(2, 6)), network(x)[:, 2:6], atol=1e-6)


@torch.no_grad()
def test_a_position_sees_33_pixels():
    network, x = PatchDescription("small", 4, 0.1), torch.rand(1, 3, 48, 48)
    changed = x.clone()
    changed[..., 33:] = 0
    different = (network(x) != network(changed)).any(1)[0]
    assert not different[:, 0].any()
    changed[..., 32:] = 0
    assert (network(x) != network(changed)).any(1)[0][:, 0].any()


@torch.no_grad()
def test_the_auto_encoder_drops_out_in_training_alone():
    network, x = AutoEncoder(48, 4), torch.rand(1, 3, 48, 48)
    assert not torch.equal(network(x), network(x))
    network.eval()
    assert torch.equal(network(x), network(x))


@pytest.mark.parametrize(
    ("size", "numbers"), [("small", (0, 3, 6, 8)), ("medium", (0, 3, 6, 8, 10, 12))]
)
def test_takes_the_names_of_both_published_layouts(size, numbers):
    source, x = PatchDescription(size, 8, 0.05), torch.rand(1, 3, 48, 48)
    ours = source.state_dict()  # as anomalib's
    authors = {
        f"{number}.{kind}": ours[f"conv{position}.{kind}"]
        for position, number in enumerate(numbers, 1)
        for kind in ("weight", "bias")
    }
    for state in (ours, authors):
        network = PatchDescription(size, 8, 0.05)
        published(state, network, "file")
        assert torch.equal(network(x), source(x))


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (PatchDescription("medium", 8, 0.05).state_dict(), r"conv1.weight \(13,"),
        (PatchDescription("small", 9, 0.05).state_dict(), r"conv4.bias \(9,\), expected \(8,\)"),
        ({"fc.weight": torch.zeros(2)}, "conv1.bias missing"),
        ({}, "conv1.bias missing"),
    ],
)
def test_other_weights_are_refused(state, words):
    with pytest.raises(MedadError, match=r"teacher\.pth: not this patch description network") as it:
        published(state, PatchDescription("small", 8, 0.05), "teacher.pth")
    assert re.search(words, str(it.value))
