"""ADFA's centres and scores against plain formulas, in the paper's mode and in the code's."""

from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from torch.nn import functional

from medad.backbones.pyramid import aggregate
from medad.detectors.adfa import Adfa
from medad.detectors.adfa_descriptor import Descriptor, coordinates
from medad.detectors.maps import upsample
from medad.detectors.training import Training
from medad.losses.soft_topk import largest, soft_topk

DEFAULTS = yaml.safe_load((Path(__file__).parents[2] / "params.yaml").read_text())["detectors"]
CODE = {
    "mode": "code",
    "divergence": True,
    "cost": "batch",
    "centres": "batches",
    "kernel": 9,
    "smooth": 4.0,
    "epochs": 2,
    "batch": 2,
    "reduction": 8,
}
PAPER = {"epochs": 2, "batch": 2, "reduction": 8, "pool": 1}


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)


def params(**changes):
    return {**DEFAULTS["adfa"], "side": 32, **changes}


def pyramid(count, seed):
    generator = torch.Generator().manual_seed(seed)
    sizes = {1: (16, 8), 2: (32, 4), 3: (64, 2)}
    return {k: torch.rand(count, c, s, s, generator=generator) for k, (c, s) in sizes.items()}


def fitted(folder, features, **changes):
    detector = Adfa.of(params(**changes))
    detector.fit(features, Training(0, folder, "this fit"))
    return detector


def patches(state, features, pool):
    """P of equation 2 for all images together."""
    weight = state["descriptor/reduce.weight"]
    descriptor = Descriptor(112, 8, 0.1, state["descriptor/attend.weight"].shape[2], "both")
    own = {name.removeprefix("descriptor/"): t for name, t in state.items() if "descriptor" in name}
    descriptor.load_state_dict(own)
    assert weight.shape == (14, 114)
    grid = aggregate(features, (1, 2, 3), 1, pool)
    with torch.no_grad():
        return descriptor(grid.flatten(2).permute(0, 2, 1), coordinates(8, 8)).double()


def test_paper_scores_are_equation_6(tmp_path):
    detector, test = fitted(tmp_path, pyramid(3, 1), **PAPER), pyramid(4, 2)
    found, centres = detector.score(test), detector.state()["centres"].double()
    for number, image in enumerate(patches(detector.state(), test, 1)):
        distances = torch.cdist(image, centres)
        weights = soft_topk(distances, 3, 0.1, largest(distances, (0, 1)))
        expected = (weights * distances).sum(1).reshape(8, 8).numpy()
        assert found.maps[number] == pytest.approx(expected, rel=1e-4)
        assert found.image[number] == found.maps[number].max()


def test_code_scores_are_roots_of_sums_that_a_batch_shares(tmp_path):
    detector, test = fitted(tmp_path, pyramid(3, 1), **CODE), pyramid(5, 2)
    assert detector.together == 2
    found, centres = detector.score(test), detector.state()["centres"].double()
    every = patches(detector.state(), test, 3)
    wanted = functional.softmax(centres, 1)
    for group in ([0, 1], [2, 3], [4]):
        scores = []
        for number in group:
            divergence = wanted * (wanted.log() - functional.log_softmax(every[number], 1))
            scores.append(divergence.sum() * torch.cdist(every[number], centres).square())
        cost = largest(torch.stack(scores), (0, 1, 2))[0]
        for number, score in zip(group, scores, strict=True):
            expected = (soft_topk(score, 3, 0.1, cost) * score).sum(1).sqrt().reshape(8, 8)
            assert found.maps[number] == pytest.approx(expected.numpy(), rel=1e-3)
            smoothed = upsample(found.maps[[number]], 32, 4.0)
            assert found.image[number] == pytest.approx(smoothed.max())
    moved = {layer: maps[[4, 3, 2, 1, 0]] for layer, maps in test.items()}
    assert not np.array_equal(detector.score(moved).maps[0], found.maps[4])


def test_centres_are_means_of_the_untrained_descriptor(tmp_path):
    still = {**PAPER, "epochs": 0}
    features = pyramid(3, 1)
    detector = fitted(tmp_path, features, **still)
    assert not [name for name in detector.state() if name.startswith("history/")]
    every = patches(detector.state(), features, 1)
    assert torch.allclose(detector.state()["centres"].double(), every.mean(0), atol=1e-6)
    # Two images and then one: the last counts as much as the two.
    means = fitted(tmp_path / "b", features, **still, centres="batches").state()["centres"].double()
    candidates = [
        (every[[i, j]].mean(0) + every[k]) / 2 for i, j, k in ((0, 1, 2), (0, 2, 1), (1, 2, 0))
    ]
    assert min((means - one).abs().max() for one in candidates) < 1e-6


def test_training_brings_patches_to_their_centres(tmp_path):
    detector = fitted(tmp_path, pyramid(6, 1), **{**PAPER, "epochs": 30})
    loss = detector.state()["history/loss"]
    assert len(loss) == 30 * 3
    assert loss[-3:].mean() < 0.7 * loss[:3].mean()
    mass = detector.state()["history/topk_mass"]
    assert len(mass) == 30
    assert ((mass > 3 / 64) & (mass <= 1)).all()


def test_the_divergence_alone_is_what_the_code_multiplies_by(tmp_path):
    whole, test = fitted(tmp_path, pyramid(3, 1), **CODE), pyramid(3, 2)
    alone = Adfa.of(params(**{**CODE, "image_score": "divergence"}))
    alone.load_state(whole.state())
    found, centres = alone.score(test), whole.state()["centres"].double()
    every = patches(whole.state(), test, 3)
    p, q = centres.softmax(1), every.softmax(2)
    roots = (p * (p / q).log()).sum((1, 2)).sqrt().numpy()
    assert found.image == pytest.approx(roots, rel=1e-3)
    assert np.array_equal(found.maps, whole.score(test).maps)


def test_a_hard_score_of_a_softly_trained_head_is_the_sum_of_the_nearest(tmp_path):
    soft, test = fitted(tmp_path, pyramid(3, 1), **PAPER), pyramid(2, 2)
    hard = Adfa.of(params(**PAPER, score_operator="hard"))
    hard.load_state(soft.state())
    found, centres = hard.score(test), soft.state()["centres"].double()
    for number, image in enumerate(patches(soft.state(), test, 1)):
        nearest = torch.cdist(image, centres).topk(3, largest=False).values.sum(1).reshape(8, 8)
        assert found.maps[number] == pytest.approx(nearest.numpy(), rel=1e-4)
    assert (found.maps < soft.score(test).maps).all()


def test_an_average_is_of_the_map(tmp_path):
    detector = fitted(tmp_path, pyramid(2, 1), **PAPER, image_score="average")
    found = detector.score(pyramid(3, 2))
    assert found.image == pytest.approx(found.maps.astype(np.float64).mean((1, 2)))
