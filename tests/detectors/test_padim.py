"""PaDiM against dense covariances in float64."""

from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from medad.detectors.padim import Padim
from medad.errors import MedadError

FIXTURES = Path(__file__).parent / "fixtures"
PARAMS = {
    "layers": [1, 2],
    "align": "nearest",
    "dimensions": 12,
    "regularisation": 0.01,
    "smooth": 0.0,
}


def pyramid(count, seed, spread=1.0):
    generator = torch.Generator().manual_seed(seed)
    return {
        layer: spread * torch.randn(count, channels, 5, 5, generator=generator)
        for layer, channels in ((1, 9), (2, 8))
    }


def dense(train, test, channels, epsilon):
    """z^T (C + epsilon I)^-1 z by a d x d solve at every position."""
    train, test = (torch.cat([p[1], p[2]], 1)[:, channels].double().numpy() for p in (train, test))
    maps = np.empty((len(test), 5, 5))
    for y in range(5):
        for x in range(5):
            values = train[:, :, y, x]
            mean, centred = values.mean(0), values - values.mean(0)
            covariance = centred.T @ centred / max(1, len(values) - 1)
            inverse = np.linalg.inv(covariance + epsilon * np.eye(len(mean)))
            for n in range(len(test)):
                z = test[n, :, y, x] - mean
                maps[n, y, x] = np.sqrt(z @ inverse @ z)
    return maps


def fitted(train, **changes):
    detector = Padim.of({**PARAMS, **changes})
    detector.fit(train, np.random.default_rng(3))
    return detector


@pytest.mark.parametrize("k", [1, 2, 8, 12, 40])
@pytest.mark.parametrize("spread", [1.0, 30.0])
def test_equals_the_dense_oracle(k, spread):
    train, test = pyramid(k, 1, spread), pyramid(3, 2, spread)
    detector = fitted(train)
    scores = detector.score(test)
    expected = dense(train, test, detector.state()["channels"], 0.01)
    np.testing.assert_allclose(scores.maps, expected, rtol=2e-5)
    np.testing.assert_allclose(scores.image, expected.max((1, 2)), rtol=2e-5)


def test_maps_equal_anomalib():
    """Recorded from anomalib 2.7.0's MultiVariateGaussian and AnomalyMapGenerator.compute_distance
    on these embeddings; it adds 1e-5 to the diagonal beside the .01."""
    shots, test = (
        np.random.default_rng(seed).integers(0, 64, (n, 6, 5, 5)).astype(np.float32) / 16
        for seed, n in ((3, 3), (4, 4))
    )
    detector = Padim.of({**PARAMS, "layers": [1], "dimensions": 6, "regularisation": 0.01001})
    detector.fit({1: torch.from_numpy(shots)}, np.random.default_rng(0))
    maps = detector.score({1: torch.from_numpy(test)}).maps
    with np.load(FIXTURES / "anomalib.npz") as recorded:
        np.testing.assert_allclose(maps, recorded["padim_maps"], rtol=1e-4)


@pytest.mark.parametrize("layers", [[1, 2], [2]])
def test_the_score_is_the_largest_of_the_enlarged_smoothed_map(layers):
    train, test = pyramid(3, 1), pyramid(4, 2)
    detector = fitted(train, layers=layers, dimensions=8, smooth=4.0)
    scores = detector.score(test)
    grids = torch.from_numpy(scores.maps)[:, None].double()
    side = 5 * (4 if 1 in layers else 8)  # layer 1 has a cell for 4 pixels
    large = torch.nn.functional.interpolate(grids, (side, side), mode="bilinear").numpy()[:, 0]
    smooth = [gaussian_filter(one, 4.0, mode="mirror", truncate=4.0).max() for one in large]
    np.testing.assert_allclose(scores.image, smooth, rtol=1e-5)
    plain = fitted(train, layers=layers, dimensions=8)
    np.testing.assert_array_equal(plain.score(test).maps, scores.maps)


def test_in_the_span_of_the_shots_no_precision_is_lost():
    train = pyramid(4, 1, 30.0)
    test = {layer: 0.7 * maps[:1] + 0.3 * maps[1:2] for layer, maps in train.items()}
    detector = fitted(train)
    expected = dense(train, test, detector.state()["channels"], 0.01)
    np.testing.assert_allclose(detector.score(test).maps, expected, rtol=1e-4)


def test_equal_shots_have_no_variance():
    one = pyramid(1, 1)
    train = {layer: maps.repeat(4, 1, 1, 1) for layer, maps in one.items()}
    test = pyramid(3, 2)
    np.testing.assert_allclose(
        fitted(train).score(test).maps, fitted(one).score(test).maps, rtol=1e-6
    )


def test_channels_are_distinct_sorted_and_drawn():
    train = pyramid(2, 1)
    detector, other = fitted(train), Padim.of(PARAMS)
    other.fit(train, np.random.default_rng(4))
    channels = detector.state()["channels"]
    assert len(channels.unique()) == 12
    assert torch.equal(channels, channels.sort().values)
    assert not torch.equal(channels, other.state()["channels"])


def test_refuses_more_dimensions_than_channels():
    with pytest.raises(MedadError, match="at most the 17 channels"):
        fitted(pyramid(2, 1), dimensions=18)


def test_refuses_another_grid():
    features = {layer: maps[:, :, :4, :4] for layer, maps in pyramid(1, 2).items()}
    with pytest.raises(MedadError, match="positions"):
        fitted(pyramid(2, 1)).score(features)


@pytest.mark.parametrize(
    ("key", "value"),
    [("dimensions", 0), ("regularisation", 0.0), ("layers", [1, 1]), ("smooth", -1.0)],
)
def test_refuses_parameters_out_of_range(key, value):
    with pytest.raises(MedadError, match=key):
        Padim.of({**PARAMS, key: value})
