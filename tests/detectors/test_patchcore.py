"""PatchCore against a numpy oracle written from the paper."""

from pathlib import Path

import numpy as np
import pytest
import torch

from medad.detectors.patchcore import PatchCore
from medad.errors import MedadError

FIXTURES = Path(__file__).parent / "fixtures"
PARAMS = {
    "layers": [2, 3],
    "pool": 3,
    "coreset": 0.1,
    "neighbors": 9,
    "reweight": True,
    "smooth": 0.0,
}


def pyramid(count, seed):
    generator = torch.Generator().manual_seed(seed)
    return {
        layer: torch.randn(count, channels, size, size, generator=generator).relu()
        for layer, channels, size in ((2, 6, 8), (3, 10, 4))
    }


def pooled(maps):
    """3x3 mean over the zero-padded map, position by position."""
    n, c, h, w = maps.shape
    padded = np.zeros((n, c, h + 2, w + 2))
    padded[:, :, 1:-1, 1:-1] = maps
    return np.stack(
        [[padded[:, :, y : y + 3, x : x + 3].mean((2, 3)) for x in range(w)] for y in range(h)]
    ).transpose(2, 3, 0, 1)


def enlarged(maps):
    """Twice the side, bilinear between pixel centres."""
    size = maps.shape[-1]
    at = np.clip((np.arange(2 * size) + 0.5) / 2 - 0.5, 0, size - 1)
    low = np.floor(at).astype(int)
    high, part = np.minimum(low + 1, size - 1), at - low
    rows = maps[:, :, low] * (1 - part)[:, None] + maps[:, :, high] * part[:, None]
    return rows[..., low] * (1 - part) + rows[..., high] * part


def patches(features):
    """(N, h * w, C), float64."""
    second, third = (pooled(features[layer].double().numpy()) for layer in (2, 3))
    grid = np.concatenate([second, enlarged(third)], 1)
    return grid.reshape(*grid.shape[:2], -1).transpose(0, 2, 1)


def farthest(points, count, start):
    order = [start]
    while len(order) < count:
        distances = np.linalg.norm(points[:, None] - points[order], axis=2).min(1)
        order.append(int(distances.argmax()))
    return order


def oracle(features, bank, neighbors):
    images, maps = [], []
    for image in patches(features):
        distances = np.linalg.norm(image[:, None] - bank, axis=2)
        nearest = distances.min(1)
        maps.append(nearest)
        worst = nearest.argmax()
        entry = bank[distances[worst].argmin()]
        around = np.argsort(np.linalg.norm(bank - entry, axis=1), kind="stable")[:neighbors]
        terms = np.exp(np.linalg.norm(image[worst] - bank[around], axis=1))
        images.append((1 - terms[0] / terms.sum()) * nearest[worst])
    return np.array(images), np.array(maps)


def fitted(k=3, **changes):
    detector = PatchCore.of({**PARAMS, **changes})
    detector.fit(pyramid(k, seed=1), np.random.default_rng(5))
    return detector


def test_bank_is_the_greedy_coreset_of_all_shots():
    points = patches(pyramid(3, seed=1)).reshape(-1, 16)
    start = int(np.random.default_rng(5).integers(len(points)))
    expected = points[farthest(points, round(0.1 * len(points)), start)]
    np.testing.assert_allclose(fitted().state()["bank"], expected, atol=1e-5)


@pytest.mark.parametrize("neighbors", [2, 9, 1000])
def test_scores_equal_the_oracle(neighbors):
    detector, test = fitted(neighbors=neighbors), pyramid(4, seed=2)
    images, maps = oracle(test, detector.state()["bank"].double().numpy(), neighbors)
    scores = detector.score(test)
    np.testing.assert_allclose(scores.image, images, rtol=1e-5)
    np.testing.assert_allclose(scores.maps, maps.reshape(4, 8, 8), rtol=1e-5)


def values(shape, seed):
    """Numbers that anyone can make again, exact in float32."""
    return np.random.default_rng(seed).integers(0, 64, shape).astype(np.float32) / 16


def test_scores_and_maps_equal_anomalib():
    """Recorded from anomalib 2.7.0's PatchcoreModel in eval mode, with an extractor that returns
    these features, this memory bank, 9 neighbours, and its blur of the maps left out."""
    features = {2: values((4, 6, 8, 8), 0), 3: values((4, 10, 4, 4), 1)}
    detector = PatchCore.of(PARAMS)
    detector.load_state({"bank": torch.from_numpy(values((20, 16), 2))})
    scores = detector.score({layer: torch.from_numpy(maps) for layer, maps in features.items()})
    with np.load(FIXTURES / "anomalib.npz") as recorded:
        np.testing.assert_allclose(scores.image, recorded["patchcore_scores"], atol=1e-4, rtol=0)
        np.testing.assert_allclose(scores.maps, recorded["patchcore_maps"], atol=1e-4, rtol=0)


@pytest.mark.parametrize("changes", [{"neighbors": 1}, {"reweight": False}])
def test_without_reweighting_the_score_is_the_largest_distance(changes):
    scores = fitted(**changes).score(pyramid(4, seed=2))
    np.testing.assert_allclose(scores.image, scores.maps.max((1, 2)), rtol=1e-6)


def gaussian(image, sigma):
    """By its definition, of one map: weights over all offsets, edges repeated."""
    reach = int(4 * sigma + 0.5)
    offsets = np.arange(-reach, reach + 1)
    weights = np.exp(-(offsets**2) / (2 * sigma**2))
    weights /= weights.sum()
    padded = np.pad(image, reach, mode="edge")
    size = len(image)
    rows = sum(w * padded[o : o + size] for o, w in enumerate(weights))
    return sum(w * rows[:, o : o + size] for o, w in enumerate(weights))


@pytest.mark.parametrize("sigma", [0.5, 1.0, 2.0])
def test_smoothing_is_before_the_largest_is_taken(sigma):
    test = pyramid(20, seed=2)
    plain = fitted(reweight=False).score(test)
    smooth = fitted(reweight=False, smooth=sigma).score(test)
    assert np.array_equal(plain.maps, smooth.maps)
    expected = [gaussian(found.astype(np.float64), sigma).max() for found in plain.maps]
    np.testing.assert_allclose(smooth.image, expected, rtol=1e-6)
    reweighted = fitted(smooth=sigma)
    together = reweighted.score(test)
    assert (together.image < smooth.image).all()
    alone = reweighted.score({layer: maps[7:8] for layer, maps in test.items()})
    assert alone.image[0] == together.image[7]


def test_one_entry_scores_every_image_zero_unless_not_reweighted():
    test = pyramid(4, seed=2)
    assert fitted(1, coreset=1e-9).state()["bank"].shape == (1, 16)
    assert fitted(1, coreset=1e-9).score(test).image.tolist() == [0, 0, 0, 0]
    assert (fitted(1, coreset=1e-9, reweight=False).score(test).image > 0).all()


def test_a_shot_that_is_all_in_the_bank_scores_zero():
    scores = fitted(coreset=1.0).score(pyramid(3, seed=1))
    assert scores.image.tolist() == [0, 0, 0]
    assert not scores.maps.any()


def test_smaller_coreset_is_a_prefix():
    small, large = (fitted(coreset=fraction).state()["bank"] for fraction in (0.1, 0.25))
    assert torch.equal(large[: len(small)], small)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("smooth", -1.0),
        ("coreset", 0.0),
        ("coreset", 1.5),
        ("neighbors", 0),
        ("layers", []),
        ("layers", [2, 2]),
    ],
)
def test_refuses_parameters_out_of_range(key, value):
    with pytest.raises(MedadError, match=key):
        PatchCore.of({**PARAMS, key: value})
