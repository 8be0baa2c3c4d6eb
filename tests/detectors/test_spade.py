"""SPADE against plain loops."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from feature_pyramid import drawn, take

from medad.detectors.spade import Spade, SpadeParameters
from medad.errors import MedadError

DEFAULTS = yaml.safe_load((Path(__file__).parents[2] / "params.yaml").read_text())["detectors"]
PARAMS = {**DEFAULTS["spade"], "layers": [1, 2], "neighbors": 3}
CHANNELS = {1: 5, 2: 7, 3: 9}


def fitted(train, **changes):
    detector = Spade.of({**PARAMS, **changes})
    detector.fit(train, np.random.default_rng(0))
    return detector


def oracle(train, test, layers, image_layer, k):
    """Scores, and per layer the distances of positions to all positions of the nearest images."""
    pooled = [p[image_layer].double().mean((2, 3)).float().numpy() for p in (train, test)]
    scores, maps = [], []
    for n in range(len(test[1])):
        # The healthy images' means are kept in single precision, the image's own are not.
        own = test[image_layer][n].double().mean((1, 2)).numpy()
        distances = [np.linalg.norm(other.astype(np.float64) - own) for other in pooled[0]]
        nearest = np.argsort(distances)[:k]
        scores.append(np.mean([distances[i] for i in nearest]))
        layer_maps = []
        for layer in layers:
            gallery = train[layer][nearest].permute(0, 2, 3, 1).flatten(0, 2).double()
            image = test[layer][n].permute(1, 2, 0).double()
            found = torch.tensor(
                [[(gallery - feature).norm(dim=1).min() for feature in row] for row in image]
            )
            finest = test[min(layers)].shape[-2:]
            layer_maps.append(
                torch.nn.functional.interpolate(found[None, None], finest, mode="bilinear")[0, 0]
            )
        maps.append(torch.stack(layer_maps).mean(0).numpy())
    return np.array(scores), np.stack(maps)


@pytest.mark.parametrize("count", [1, 2, 6])
@pytest.mark.parametrize(("layers", "image_layer"), [((1, 2), 3), ((2, 3), 3), ((1,), 1)])
def test_equals_the_oracle(count, layers, image_layer):
    train, test = drawn(CHANNELS, count, 1), drawn(CHANNELS, 3, 2)
    found = fitted(train, layers=layers, image_layer=image_layer).score(test)
    scores, maps = oracle(train, test, layers, image_layer, 3)
    np.testing.assert_allclose(found.image, scores, rtol=1e-6)
    np.testing.assert_allclose(found.maps, maps, rtol=1e-5)


def test_more_neighbours_never_lower_the_score():
    train, test = drawn(CHANNELS, 6, 1), drawn(CHANNELS, 4, 2)
    scores = [fitted(train, neighbors=k).score(test).image for k in (1, 2, 4, 6, 60)]
    for fewer, more in pairwise(scores):
        assert (more >= fewer - 1e-12).all()
    np.testing.assert_array_equal(scores[-1], scores[-2])


def test_one_of_the_images_is_at_distance_0():
    train = drawn(CHANNELS, 4, 1)
    found = fitted(train, neighbors=1).score(take(train, slice(2, 3)))
    # The mean of a stored image is rounded to single precision.
    assert found.image[0] == pytest.approx(0, abs=1e-6)
    assert not found.maps.any()


def test_features_of_another_side_or_backbone_are_refused():
    detector = fitted(drawn(CHANNELS, 2, 1))
    with pytest.raises(MedadError, match="features of layer 1 are 5 at 256 positions"):
        detector.score(drawn(CHANNELS, 1, 2, side=64))
    with pytest.raises(MedadError, match="layer 1 are 6 at 64 positions"):
        detector.score(drawn({**CHANNELS, 1: 6}, 1, 2))


@pytest.mark.parametrize(
    ("changes", "message"),
    [({"layers": ()}, "layers: got"), ({"neighbors": 0}, "neighbors: got 0, allowed: 1 or more")],
)
def test_parameters_are_checked(changes, message):
    with pytest.raises(MedadError, match=message):
        SpadeParameters(**{"layers": (1,), "image_layer": 3, "neighbors": 5, **changes})
