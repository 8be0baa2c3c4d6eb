"""What every detector must do that trains on features, whatever it computes."""

from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from feature_pyramid import drawn, take

from medad.detectors import training as trainings
from medad.detectors.training import Training
from medad.errors import MedadError
from medad.files import read_safetensors, write_safetensors
from medad.registry import SCORING, TRAINED_DETECTORS
from medad.resolve import attribute

CHANNELS = {1: 16, 2: 32, 3: 64}
SIDE = 32
DEFAULTS = yaml.safe_load((Path(__file__).parents[2] / "params.yaml").read_text())["detectors"]
SMALL = {"adfa": {"epochs": 3, "batch": 2, "reduction": 8}}
# The choices that compute something else.
VARIANTS = {
    "adfa": [
        {},
        {"operator": "hard"},
        {"centres": "batches", "pooling": "average", "kernel": 3},
        {"cost": "row", "score_operator": "hard"},
        {"mode": "code", "image_score": "divergence"},
        {"mode": "code", "divergence": True, "cost": "batch", "smooth": 4.0},
    ]
}
CASES = [(name, number) for name in VARIANTS for number in range(len(VARIANTS[name]))]
TOGETHER = [case for case in CASES if VARIANTS[case[0]][case[1]].get("cost") == "batch"]
ALONE = [case for case in CASES if case not in TOGETHER]


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)


@pytest.fixture(params=CASES, ids=lambda case: f"{case[0]}{case[1]}")
def case(request):
    return request.param


def test_every_detector_is_here():
    assert set(VARIANTS) == set(SMALL) == set(TRAINED_DETECTORS)


def pyramid(count, seed):
    return drawn(CHANNELS, count, seed)


def make(case, **changes):
    name, number = case
    params = {**DEFAULTS[name], **SMALL[name], **VARIANTS[name][number], "side": SIDE, **changes}
    return attribute(TRAINED_DETECTORS[name]).of(params)


def fitted(case, folder, features=None, seed=0, report=lambda *_: None, **changes):
    folder.mkdir(exist_ok=True)
    detector = make(case, **changes)
    healthy = pyramid(3, seed=1) if features is None else features
    detector.fit(healthy, Training(seed, folder, "this fit", report=report))
    return detector


def file_of(detector, path):
    write_safetensors(path, detector.state(), {})
    return path.read_bytes()


def same(a, b):
    assert np.array_equal(a.image, b.image)
    assert np.array_equal(a.maps, b.maps)


def test_shapes_types_and_curves(case, tmp_path):
    detector = fitted(case, tmp_path)
    scores = detector.score(pyramid(4, seed=2))
    assert (scores.image.shape, scores.image.dtype) == ((4,), np.float64)
    assert (scores.maps.ndim, len(scores.maps), scores.maps.dtype) == (3, 4, np.float32)
    assert np.isfinite(scores.image).all()
    assert np.isfinite(scores.maps).all()
    curves = {key: t for key, t in detector.state().items() if key.startswith("history/")}
    assert curves
    assert all(curve.ndim == 1 and curve.dtype == torch.float32 for curve in curves.values())


def test_a_head_is_the_same_without_what_scoring_alone_reads(case, tmp_path, monkeypatch):
    others = {"score_operator": "soft", "image_score": "average", "smooth": 2.0, "order": "listed"}
    name, number = case
    whole = fitted(case, tmp_path / "1", **{key: others[key] for key in SCORING[name]})
    for given in (DEFAULTS[name], VARIANTS[name][number]):
        for key in SCORING[name]:
            monkeypatch.delitem(given, key, raising=False)
    bare = fitted(case, tmp_path / "2")
    assert file_of(bare, tmp_path / "bare") == file_of(whole, tmp_path / "whole")
    test = pyramid(4, seed=2)
    assert (bare.score(test).image != whole.score(test).image).all()


def test_same_seed_same_file_other_seed_another(case, tmp_path):
    first, second = (fitted(case, tmp_path / name) for name in "ab")
    assert file_of(first, tmp_path / "1") == file_of(second, tmp_path / "2")
    test = pyramid(4, seed=2)
    same(first.score(test), second.score(test))
    other = fitted(case, tmp_path / "c", seed=1)
    assert file_of(other, tmp_path / "3") != file_of(first, tmp_path / "1")


def test_global_randomness_is_neither_read_nor_changed(case, tmp_path):
    torch.manual_seed(1)
    first = fitted(case, tmp_path / "a")
    after = torch.rand(2)
    torch.manual_seed(1)
    assert torch.equal(torch.rand(2), after)
    torch.manual_seed(2)
    assert file_of(first, tmp_path / "1") == file_of(fitted(case, tmp_path / "b"), tmp_path / "2")


def test_fit_leaves_its_input_alone(case, tmp_path):
    features = pyramid(3, seed=1)
    fitted(case, tmp_path, features)
    for layer, maps in pyramid(3, seed=1).items():
        assert torch.equal(features[layer], maps)


def test_loaded_equals_fitted(case, tmp_path):
    detector, other = fitted(case, tmp_path), make(case)
    write_safetensors(tmp_path / "head.safetensors", detector.state(), {})
    other.load_state(read_safetensors(tmp_path / "head.safetensors")[0])
    test = pyramid(4, seed=2)
    same(detector.score(test), other.score(test))
    assert file_of(other, tmp_path / "1") == file_of(detector, tmp_path / "2")


@pytest.mark.parametrize("case", ALONE, ids=lambda case: f"{case[0]}{case[1]}")
def test_one_image_equals_a_batch_and_order_does_not_matter(case, tmp_path):
    detector, test = fitted(case, tmp_path), pyramid(5, seed=2)
    assert detector.together == 1
    whole, order = detector.score(test), [3, 0, 4, 2, 1]
    for index in range(5):
        alone = detector.score(take(test, [index]))
        assert alone.image[0] == whole.image[index]
        assert np.array_equal(alone.maps[0], whole.maps[index])
    moved = detector.score(take(test, order))
    assert np.array_equal(moved.image, whole.image[order])


@pytest.mark.parametrize("case", TOGETHER, ids=lambda case: f"{case[0]}{case[1]}")
def test_images_that_are_scored_together_depend_on_each_other_and_on_no_others(case, tmp_path):
    detector, test = fitted(case, tmp_path), pyramid(5, seed=2)
    assert detector.together == 2
    whole = detector.score(test)
    parts = [detector.score(take(test, pair)) for pair in ([0, 1], [2, 3], [4])]
    assert np.array_equal(np.concatenate([part.image for part in parts]), whole.image)
    scale = torch.tensor([1.0, 9.0])[:, None, None, None]
    beside = {layer: maps * scale for layer, maps in take(test, [0, 1]).items()}
    assert detector.score(beside).image[0] != whole.image[0]


def test_one_shot(case, tmp_path):
    scores = fitted(case, tmp_path, pyramid(1, seed=1)).score(pyramid(4, seed=2))
    assert np.isfinite(scores.image).all()
    assert len(np.unique(scores.image)) == 4


def test_constant_images_are_learned(case, tmp_path):
    flat = {layer: torch.full_like(maps, 0.5) for layer, maps in pyramid(3, seed=1).items()}
    detector = fitted(case, tmp_path, flat)
    healthy, other = detector.score(take(flat, [0])), detector.score(pyramid(1, seed=2))
    assert np.isfinite(healthy.image).all()
    assert other.image[0] > healthy.image[0]


def test_higher_is_more_anomalous(case, tmp_path):
    detector, healthy = fitted(case, tmp_path, pyramid(8, seed=1)), pyramid(6, seed=2)
    anomalous = {layer: maps.clone() for layer, maps in pyramid(6, seed=3).items()}
    for maps in anomalous.values():
        size = maps.shape[-1]
        maps[:, :, : max(1, size // 4), size // 2 :] += 3.0
    a, b = detector.score(anomalous), detector.score(healthy)
    assert a.image.min() > b.image.max()


def test_a_training_cut_short_goes_on_bit_for_bit(case, tmp_path, monkeypatch):
    whole = file_of(fitted(case, tmp_path / "whole"), tmp_path / "1")
    monkeypatch.setattr(trainings, "SAVE_EVERY", 0.0)
    monkeypatch.setattr(trainings.run, "__defaults__", (0.0,))

    class Stopped(Exception):
        """A kill in the middle."""

    def stop(done, total, text):
        if done == 4:
            raise Stopped

    with pytest.raises(Stopped):
        fitted(case, tmp_path / "cut", report=stop)
    assert list((tmp_path / "cut").iterdir())
    assert file_of(fitted(case, tmp_path / "cut"), tmp_path / "2") == whole


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_refuses_nan_and_infinity(case, tmp_path, bad):
    spoilt = pyramid(3, seed=1)
    spoilt[1][1, 0, 0, 0] = bad
    with pytest.raises(MedadError, match="image 1 hold NaN or infinite"):
        fitted(case, tmp_path / "a", spoilt)
    with pytest.raises(MedadError, match="image 1 hold NaN or infinite"):
        fitted(case, tmp_path / "b").score(spoilt)


def test_refuses_a_foreign_state_and_needs_a_fit(case):
    detector = make(case)
    with pytest.raises(MedadError, match="not the state of"):
        detector.load_state({"weights": torch.zeros(3)})
    with pytest.raises(RuntimeError, match="before score"):
        detector.score(pyramid(1, seed=1))
    with pytest.raises(RuntimeError, match="before state"):
        detector.state()


def test_images_of_another_side_are_refused(case, tmp_path):
    larger = {
        layer: torch.nn.functional.interpolate(maps, scale_factor=2)
        for layer, maps in pyramid(1, seed=2).items()
    }
    with pytest.raises(MedadError, match="score images of the side"):
        fitted(case, tmp_path).score(larger)
