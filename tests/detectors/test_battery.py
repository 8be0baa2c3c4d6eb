"""What every detector must do, whatever it computes."""

from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from feature_pyramid import drawn, take

from medad.errors import MedadError
from medad.files import read_safetensors, write_safetensors
from medad.registry import DETECTORS, SCORING
from medad.resolve import attribute

CHANNELS = {1: 64, 2: 128, 3: 256}
DEFAULTS = yaml.safe_load((Path(__file__).parents[2] / "params.yaml").read_text())["detectors"]


def pyramid(count, seed):
    return drawn(CHANNELS, count, seed)


def same(a, b):
    assert np.array_equal(a.image, b.image)
    assert (a.maps is None) == (b.maps is None)
    assert a.maps is None or np.array_equal(a.maps, b.maps)


@pytest.fixture(params=sorted(DETECTORS))
def name(request):
    return request.param


def make(name):
    return attribute(DETECTORS[name]).of(DEFAULTS[name])


def fitted(name, features=None, seed=0):
    detector = make(name)
    healthy = pyramid(3, seed=1) if features is None else features
    detector.fit(healthy, np.random.default_rng(seed))
    return detector


def test_shapes_and_types(name):
    scores = fitted(name).score(pyramid(4, seed=2))
    assert (scores.image.shape, scores.image.dtype) == ((4,), np.float64)
    assert np.isfinite(scores.image).all()
    if scores.maps is not None:
        assert (scores.maps.ndim, len(scores.maps), scores.maps.dtype) == (3, 4, np.float32)
        assert np.isfinite(scores.maps).all()


def test_same_seed_same_file_and_scores(name, tmp_path):
    first, second = (fitted(name) for _ in range(2))
    for detector, file in ((first, "a"), (second, "b")):
        write_safetensors(tmp_path / file, detector.state(), {})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    test = pyramid(4, seed=2)
    same(first.score(test), second.score(test))


def test_a_head_is_the_same_without_what_scoring_alone_reads(name, tmp_path):
    others = {"neighbors": 2, "reweight": False, "smooth": 1.0}
    fit = {key: value for key, value in DEFAULTS[name].items() if key not in SCORING[name]}
    files, found = [], []
    for params in (fit, {**fit, **{key: others[key] for key in SCORING[name]}}):
        detector = attribute(DETECTORS[name]).of(params)
        detector.fit(pyramid(3, seed=1), np.random.default_rng(0))
        write_safetensors(tmp_path / "head", detector.state(), {})
        files.append((tmp_path / "head").read_bytes())
        found.append(detector.score(pyramid(4, seed=2)).image)
    assert files[0] == files[1]
    assert (found[0] != found[1]).all()


def test_fit_leaves_its_input_alone(name):
    features = pyramid(3, seed=1)
    fitted(name, features)
    for layer, maps in pyramid(3, seed=1).items():
        assert torch.equal(features[layer], maps)


def test_loaded_equals_fitted(name, tmp_path):
    detector, other = fitted(name), make(name)
    write_safetensors(tmp_path / "head.safetensors", detector.state(), {})
    other.load_state(read_safetensors(tmp_path / "head.safetensors")[0])
    test = pyramid(4, seed=2)
    same(detector.score(test), other.score(test))


def test_one_image_equals_a_batch(name):
    detector, test = fitted(name), pyramid(5, seed=2)
    whole = detector.score(test)
    for index in range(5):
        alone = detector.score(take(test, [index]))
        assert alone.image[0] == whole.image[index]
        assert whole.maps is None or np.array_equal(alone.maps[0], whole.maps[index])


def test_permuting_the_images_permutes_the_scores(name):
    detector, test = fitted(name), pyramid(5, seed=2)
    order = [3, 0, 4, 2, 1]
    whole, moved = detector.score(test), detector.score(take(test, order))
    assert np.array_equal(moved.image, whole.image[order])
    assert whole.maps is None or np.array_equal(moved.maps, whole.maps[order])


def test_one_shot(name):
    scores = fitted(name, pyramid(1, seed=1)).score(pyramid(4, seed=2))
    assert np.isfinite(scores.image).all()
    assert len(np.unique(scores.image)) == 4


def test_constant_images(name):
    flat = {layer: torch.full_like(maps, 0.5) for layer, maps in pyramid(3, seed=1).items()}
    detector = fitted(name, flat)
    healthy, other = detector.score(take(flat, [0])), detector.score(pyramid(1, seed=2))
    assert healthy.image[0] == pytest.approx(0, abs=1e-4)
    assert other.image[0] > 1


def test_higher_is_more_anomalous(name):
    detector, healthy = fitted(name, pyramid(8, seed=1)), pyramid(6, seed=2)
    anomalous = {layer: maps.clone() for layer, maps in pyramid(6, seed=3).items()}
    for maps in anomalous.values():
        size = maps.shape[-1]
        maps[:, :, : max(1, size // 4), size // 2 :] += 2.0
    a, b = detector.score(anomalous), detector.score(healthy)
    assert a.image.min() > b.image.max()
    if a.maps is not None:
        half = a.maps.shape[-1] // 2
        lesion = a.maps[:, 0, half:]
        assert lesion.min() > a.maps[:, half:].max()


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_refuses_nan_and_infinity(name, bad):
    spoilt = pyramid(3, seed=1)
    detector = make(name)
    spoilt[detector.layers[0]][1, 0, 0, 0] = bad
    with pytest.raises(MedadError, match="image 1 hold NaN or infinite"):
        detector.fit(spoilt, np.random.default_rng(0))
    with pytest.raises(MedadError, match="image 1 hold NaN or infinite"):
        fitted(name).score(spoilt)


def test_refuses_a_foreign_state(name):
    with pytest.raises(MedadError, match="not the state of"):
        make(name).load_state({"weights": torch.zeros(3)})


def test_needs_a_fit(name):
    detector = make(name)
    with pytest.raises(RuntimeError, match="before score"):
        detector.score(pyramid(1, seed=1))
    with pytest.raises(RuntimeError, match="before state"):
        detector.state()


def test_a_missing_layer_is_named(name):
    whole = pyramid(2, seed=1)
    for layer in make(name).layers:
        part = {key: maps for key, maps in whole.items() if key != layer}
        for use in (lambda: fitted(name, part), lambda: fitted(name).score(part)):  # noqa: B023
            with pytest.raises(MedadError, match=rf"layers \[{layer}\] are not in the features"):
                use()
