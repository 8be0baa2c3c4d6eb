"""What every detector must do that trains its own networks, whatever it computes."""

from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from medad.backbones.checkpoint import save
from medad.backbones.resnet import build
from medad.backbones.spec import TrunkSpec
from medad.detectors import training as trainings
from medad.detectors.training import Training
from medad.errors import MedadError
from medad.files import read_safetensors, write_safetensors
from medad.registry import IMAGE_DETECTORS, SCORING, TAUGHT_DETECTORS
from medad.resolve import attribute

SIDE = 64
DEFAULTS = yaml.safe_load((Path(__file__).parents[2] / "params.yaml").read_text())["detectors"]
# Few steps of small networks. `longer`: what a fit needs to tell its shots from something else.
SMALL = {
    "fanogan": {"resolution": 32, "latent": 6, "epochs": 2, "encoder_epochs": 3},
    "ganomaly": {"resolution": 16, "latent": 6, "features": 4, "epochs": 4},
    "efficientad": {"width": 0.1, "channels": 8, "distil_steps": 3, "steps": 3},
    "patch_svdd": {"width": 0.1, "channels": 8, "epochs": 2, "repeats": 2, "batch": 3},
    "stpm": {"epochs": 2, "batch": 2},
    "rdad": {"epochs": 2, "batch": 2},
}
LONGER = {
    "fanogan": {"epochs": 20, "encoder_epochs": 30, "learning_rate": 0.002},
    "ganomaly": {"epochs": 100, "features": 8, "learning_rate": 0.002},
    "efficientad": {"width": 0.25, "distil_steps": 20, "steps": 40, "learning_rate": 0.002},
    "patch_svdd": {"epochs": 5, "repeats": 4, "learning_rate": 0.002},
    "stpm": {"epochs": 20},
    "rdad": {"epochs": 20},
}


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)


@pytest.fixture(params=sorted(IMAGE_DETECTORS))
def name(request):
    return request.param


def pictures(count, seed):
    """Discs of about one size and place, as slices of heads are alike."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:SIDE, :SIDE] - SIDE / 2
    made = []
    for _ in range(count):
        radius, grey = rng.uniform(10, 14), rng.uniform(120, 180)
        disc = (x**2 + y**2 < radius**2) * grey + rng.uniform(0, 20, (SIDE, SIDE))
        made.append(np.repeat(disc[:, :, None], 3, 2).astype(np.uint8))
    return np.stack(made)


def make(name, **changes):
    backbone = {"name": "resnet18", "weights": "random", "normalisation": "imagenet"}
    params = {**DEFAULTS[name], **SMALL[name], **changes, "side": SIDE, "backbone": backbone}
    return attribute(IMAGE_DETECTORS[name]).of(params)


def fitted(name, folder, images=None, seed=0, report=lambda *_: None, **changes):
    folder.mkdir(exist_ok=True)
    detector = make(name, **changes)
    shots = pictures(3, seed=1) if images is None else images
    taught = name == "efficientad" or name in TAUGHT_DETECTORS
    teacher = {"weights": trunk(folder)} if taught else {}
    detector.fit(shots, Training(seed, folder, "this fit", inputs=teacher, report=report))
    return detector


def trunk(folder):
    """The backbone that EfficientAD's teacher, and two others, learn from."""
    path = folder / "trunk.safetensors"
    save(path, build(TrunkSpec("resnet18", depth=3), torch.Generator().manual_seed(0)), {})
    return path


def file_of(detector, path):
    write_safetensors(path, detector.state(), {})
    return path.read_bytes()


def same(a, b):
    assert np.array_equal(a.image, b.image)
    assert (a.maps is None) == (b.maps is None)
    assert a.maps is None or np.array_equal(a.maps, b.maps)


def test_shapes_and_types(name, tmp_path):
    detector = fitted(name, tmp_path)
    scores = detector.score(pictures(4, seed=2))
    assert (scores.image.shape, scores.image.dtype) == ((4,), np.float64)
    assert np.isfinite(scores.image).all()
    if scores.maps is not None:
        assert (scores.maps.ndim, len(scores.maps), scores.maps.dtype) == (3, 4, np.float32)
        assert np.isfinite(scores.maps).all()
    curves = {key: t for key, t in detector.state().items() if key.startswith("history/")}
    assert curves
    for curve in curves.values():
        assert curve.ndim == 1
        assert curve.dtype == torch.float32


def test_same_seed_same_file_and_scores(name, tmp_path):
    first, second = fitted(name, tmp_path / "1"), fitted(name, tmp_path / "2")
    assert file_of(first, tmp_path / "a") == file_of(second, tmp_path / "b")
    same(first.score(pictures(4, seed=2)), second.score(pictures(4, seed=2)))


@pytest.mark.parametrize("name", sorted(set(SCORING) & set(IMAGE_DETECTORS)))
def test_a_head_is_the_same_without_what_scoring_alone_reads(name, tmp_path, monkeypatch):
    others = {"smooth": 1.0, "combine": "sum"}
    whole = fitted(name, tmp_path / "1", **{key: others[key] for key in SCORING[name]})
    fit = {key: value for key, value in DEFAULTS[name].items() if key not in SCORING[name]}
    monkeypatch.setitem(DEFAULTS, name, fit)
    bare = fitted(name, tmp_path / "2")
    assert file_of(bare, tmp_path / "bare") == file_of(whole, tmp_path / "whole")
    test = pictures(4, seed=2)
    assert (bare.score(test).image != whole.score(test).image).all()


def test_other_seeds_differ(name, tmp_path):
    first, second = fitted(name, tmp_path / "1"), fitted(name, tmp_path / "2", seed=1)
    assert file_of(first, tmp_path / "a") != file_of(second, tmp_path / "b")


def test_global_randomness_is_neither_read_nor_changed(name, tmp_path):
    torch.manual_seed(1)
    first = fitted(name, tmp_path / "1")
    after = torch.rand(2)
    torch.manual_seed(1)
    assert torch.equal(torch.rand(2), after)
    torch.manual_seed(2)
    assert file_of(first, tmp_path / "a") == file_of(fitted(name, tmp_path / "2"), tmp_path / "b")
    before = torch.get_rng_state()
    make(name).load_state(first.state())
    assert torch.equal(torch.get_rng_state(), before)


def test_input_is_left_alone(name, tmp_path):
    shots, test = pictures(3, seed=1), pictures(2, seed=2)
    fitted(name, tmp_path, shots).score(test)
    assert np.array_equal(shots, pictures(3, seed=1))
    assert np.array_equal(test, pictures(2, seed=2))


def test_loaded_equals_fitted(name, tmp_path):
    detector, other = fitted(name, tmp_path / "fit"), make(name)
    content = file_of(detector, tmp_path / "head.safetensors")
    other.load_state(read_safetensors(tmp_path / "head.safetensors")[0])
    same(detector.score(pictures(4, seed=2)), other.score(pictures(4, seed=2)))
    assert file_of(other, tmp_path / "again.safetensors") == content


def test_one_image_equals_a_batch(name, tmp_path):
    detector, test = fitted(name, tmp_path), pictures(5, seed=2)
    whole = detector.score(test)
    for index in range(5):
        alone = detector.score(test[index : index + 1])
        assert alone.image[0] == whole.image[index]
        assert whole.maps is None or np.array_equal(alone.maps[0], whole.maps[index])


def test_permuting_the_images_permutes_the_scores(name, tmp_path):
    detector, test = fitted(name, tmp_path), pictures(5, seed=2)
    order = [3, 0, 4, 2, 1]
    whole, moved = detector.score(test), detector.score(test[order])
    assert np.array_equal(moved.image, whole.image[order])
    assert whole.maps is None or np.array_equal(moved.maps, whole.maps[order])


def test_one_shot(name, tmp_path):
    scores = fitted(name, tmp_path, pictures(1, seed=1)).score(pictures(4, seed=2))
    assert np.isfinite(scores.image).all()
    # EfficientAD's score is 0 wherever nothing exceeds its padding; the maps differ all the same.
    assert len({found.tobytes() for found in scores.maps}) == 4


def test_constant_images(name, tmp_path):
    flat = np.full((2, SIDE, SIDE, 3), 128, np.uint8)
    scores = fitted(name, tmp_path, flat).score(flat)
    assert np.isfinite(scores.image).all()
    assert scores.image[0] == scores.image[1]


def test_refuses_a_foreign_state(name, tmp_path):
    with pytest.raises(MedadError, match="not the state of"):
        make(name).load_state({"weights": torch.zeros(3)})
    state = fitted(name, tmp_path).state()
    key = next(key for key in state if not key.startswith("history/"))
    for wrong in (
        {k: t for k, t in state.items() if k != key},
        {**state, key: torch.cat([state[key], state[key]])},
    ):
        with pytest.raises(MedadError, match="not the state of"):
            make(name).load_state(wrong)


def test_needs_a_fit(name):
    detector = make(name)
    with pytest.raises(RuntimeError, match="before score"):
        detector.score(pictures(1, seed=1))
    with pytest.raises(RuntimeError, match="before state"):
        detector.state()


@pytest.mark.parametrize("share", [0.3, 0.9])
def test_resumes_to_the_same_bytes(name, tmp_path, monkeypatch, share):
    monkeypatch.setattr(trainings.run, "__defaults__", (0.0,))  # saves at the first step
    seen = []
    whole = fitted(name, tmp_path / "whole", report=lambda *given: seen.append(given))
    stop = int(share * len(seen))

    def interrupt(*_):
        nonlocal stop
        stop -= 1
        if stop < 0:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fitted(name, tmp_path / "cut", report=interrupt)
    assert list((tmp_path / "cut").iterdir())
    again = []
    resumed = fitted(name, tmp_path / "cut", report=lambda *given: again.append(given))
    assert len(again) < len(seen)
    assert file_of(whole, tmp_path / "a") == file_of(resumed, tmp_path / "b")


def test_learns(name, tmp_path):
    shots = pictures(3, seed=1)
    detector = fitted(name, tmp_path, shots, **LONGER[name])
    own, strange = detector.score(shots), detector.score(255 - shots)
    assert own.image.max() < strange.image.min()
    if own.maps is not None:
        assert own.maps.mean() < strange.maps.mean()
