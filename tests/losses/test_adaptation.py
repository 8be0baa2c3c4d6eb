"""Soft distances against plain differentiable code, and against finite differences."""

import subprocess
import sys

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from medad.errors import MedadError
from medad.losses.adaptation import Nearest, divergences, soft_distances, topk_mass
from medad.losses.soft_topk import largest, soft_topk

PAPER = Nearest(3, 0.1, squared=False, cost="image")
ROW = Nearest(3, 0.1, squared=False, cost="row")
CODE = Nearest(3, 0.1, squared=True, cost="batch")
HARD = Nearest(3, None, squared=False, cost="image")
AXES = {"row": 2, "image": (1, 2), "batch": (0, 1, 2)}  # of patches and centres that share a cost


def drawn(seed, *shape, scale=1.0):
    generator = torch.Generator().manual_seed(seed)
    return scale * torch.randn(shape, generator=generator, dtype=torch.float64)


def plain(patches, centres, nearest, factors=None):
    """Autograd through everything; the cost is a constant."""
    differences = patches[:, :, None] - centres
    scores = differences.square().sum(3)
    scores = scores if nearest.squared else scores.sqrt()
    if factors is not None:
        scores = scores * factors[:, None, None]
    if nearest.epsilon is None:
        return scores.topk(nearest.k, 2, largest=False).values.sum(2)
    cost = largest(scores.detach(), AXES[nearest.cost])
    return (soft_topk(scores, nearest.k, nearest.epsilon, cost) * scores).sum(2)


@pytest.mark.parametrize("nearest", [PAPER, ROW, CODE, HARD])
@pytest.mark.parametrize("factored", [False, True])
@pytest.mark.parametrize("scale", [0.3, 1.0, 10.0])
def test_equals_autograd_through_the_whole_matrix(nearest, factored, scale):
    centres = drawn(0, 70, 5, scale=scale)
    factors = torch.tensor([0.5, 2.0, 7.0], dtype=torch.float64) if factored else None
    upstream = drawn(2, 3, 70)
    results = []
    for function in (soft_distances, plain):
        patches = drawn(1, 3, 70, 5, scale=scale).requires_grad_()
        values = function(patches, centres, nearest, factors)
        (slope,) = torch.autograd.grad((values * upstream).sum(), patches)
        results.append((values.detach(), slope))
    (ours, our_slope), (theirs, their_slope) = results
    assert torch.allclose(ours, theirs, rtol=1e-9)
    assert torch.allclose(our_slope, their_slope, rtol=1e-7, atol=1e-9 * their_slope.abs().max())


@settings(max_examples=20)
@given(st.integers(0, 100))
def test_gradient_of_squared_distances_by_finite_differences(seed):
    # Of a single image the cost is fixed by patches that are not varied.
    centres, others = drawn(seed, 9, 3), drawn(seed + 1, 1, 4, 3, scale=5.0)
    patches = drawn(seed + 2, 1, 4, 3).requires_grad_()

    def values(varied):
        return soft_distances(torch.cat([varied, others], 1), centres, CODE)[:, :4]

    assert torch.autograd.gradcheck(values, (patches,))


def test_an_image_is_the_same_alone_and_in_any_batch_unless_they_are_together():
    centres, patches = drawn(0, 100, 6).float(), drawn(1, 4, 100, 6).float()
    for nearest in (PAPER, ROW, HARD):
        whole = soft_distances(patches, centres, nearest)
        for number in (0, 3):
            alone = soft_distances(patches[[number]], centres, nearest)
            assert torch.equal(alone[0], whole[number])
    scaled = patches * torch.tensor([1.0, 1, 1, 9])[:, None, None]
    apart = soft_distances(scaled[:1], centres, CODE)
    assert not torch.allclose(apart[0], soft_distances(scaled, centres, CODE)[0])


def test_a_patch_on_a_centre_has_a_finite_gradient():
    centres = drawn(0, 20, 4).float()
    patches = centres[None].clone().requires_grad_()
    for nearest in (PAPER, ROW, HARD, CODE):
        values = soft_distances(patches, centres, nearest)
        (slope,) = torch.autograd.grad(values.sum(), patches)
        assert slope.isfinite().all()


def test_single_precision_is_near_double():
    centres, patches = drawn(0, 3136, 16) + 30, drawn(1, 1, 3136, 16) + 30
    exact = soft_distances(patches, centres, PAPER)
    single = soft_distances(patches.float(), centres.float(), PAPER)
    assert ((single - exact) / exact).abs().max() < 1e-5


def test_mass_of_the_nearest_is_that_of_the_weights():
    centres, patches = drawn(0, 100, 4), drawn(1, 2, 100, 4)
    factors = torch.tensor([0.5, 3.0], dtype=torch.float64)
    for nearest in (PAPER, ROW, CODE):
        scores = torch.cdist(patches, centres) ** (2 if nearest.squared else 1)
        scores = scores * factors[:, None, None]
        cost = largest(scores, AXES[nearest.cost])
        found = soft_topk(scores, 3, 0.1, cost)
        chosen = scores.topk(3, 2, largest=False).indices
        expected = found.gather(2, chosen).sum(2) / 3
        assert torch.allclose(topk_mass(patches, centres, nearest, factors), expected)
    assert (topk_mass(patches, centres, HARD) == 1).all()
    # It depends on the scale: far above 1 (and below) all centres count almost the same.
    means = [float(topk_mass(s * patches, s * centres, CODE).mean()) for s in (0.1, 1.0, 100.0)]
    assert means[0] > 0.08 > means[1] > means[2] == pytest.approx(3 / 100, rel=1e-4)


def test_divergences_are_sums_over_positions_and_channels():
    centres, patches = drawn(0, 20, 4), drawn(1, 3, 20, 4)
    p, q = centres.softmax(1), patches.softmax(2)
    expected = (p * (p / q).log()).sum((1, 2))
    assert torch.allclose(divergences(patches, centres), expected)
    assert (divergences(centres[None].float(), centres.float()) >= 0).all()


@pytest.mark.parametrize(
    "changes", [{"k": 0}, {"epsilon": 0.0}, {"epsilon": -1.0}, {"cost": "none"}]
)
def test_what_makes_no_sense_is_refused(changes):
    with pytest.raises(MedadError, match="allowed"):
        Nearest(**{"k": 3, "epsilon": 0.1, "squared": False, "cost": "image", **changes})


STEP = """
import resource
import torch
from medad.losses.adaptation import Nearest, soft_distances
torch.set_num_threads(1)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
patches = torch.rand(10, 3136, 8, requires_grad=True)
nearest = Nearest(3, 0.1, squared=False, cost="image")
soft_distances(patches, torch.rand(3136, 8), nearest).mean().backward()
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before >> 10)
"""


def test_a_batch_of_images_takes_the_memory_of_one_images_distances():
    """Ten images at 224 pixels: one matrix has 38 MiB, those of a batch and its weights 750."""
    told = subprocess.run([sys.executable, "-c", STEP], capture_output=True, text=True, check=True)
    assert int(told.stdout) < 200  # MiB


def test_more_centres_than_k_are_needed():
    with pytest.raises(MedadError, match="below the number of centres 3"):
        soft_distances(torch.rand(1, 5, 2), torch.rand(3, 2), PAPER)
