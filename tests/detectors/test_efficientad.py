"""EfficientAD: maps against slow sums and anomalib, seeds, resuming, saved heads, errors."""

from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from filled import fill, image

from medad.backbones.checkpoint import save
from medad.backbones.resnet import build
from medad.backbones.spec import TrunkSpec
from medad.detectors.efficientad import EfficientAD
from medad.detectors.pdn import BORDER, AutoEncoder, PatchDescription, grid
from medad.detectors.student import Networks
from medad.detectors.training import Training
from medad.errors import MedadError
from medad.files import read_safetensors, write_safetensors

DEFAULTS = yaml.safe_load((Path(__file__).parents[2] / "params.yaml").read_text())["detectors"]
# For quick fits; `distil` reads input `weights`, a trunk that has layer 3.
SMALL = {
    **DEFAULTS["efficientad"],
    "side": 48,
    "width": 0.1,
    "channels": 8,
    "distil_steps": 4,
    "steps": 4,
}
FIXTURE = Path(__file__).parent / "fixtures" / "efficientad.npz"


@pytest.fixture(autouse=True, scope="module")
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def trunk(tmp_path_factory):
    path = tmp_path_factory.mktemp("trunk") / "trunk.safetensors"
    save(path, build(TrunkSpec("resnet18", depth=3), torch.Generator().manual_seed(0)), {})
    return path


def images(count, seed=0, side=48):
    """Smooth, alike, with a little noise."""
    rows, columns = np.mgrid[:side, :side] / side
    base = 120 + 80 * np.sin(9 * rows + 2) * np.cos(7 * columns)
    noise = np.random.default_rng(seed).normal(0, 8, (count, side, side, 1))
    return np.repeat((base[None, :, :, None] + noise).clip(0, 255).astype(np.uint8), 3, axis=3)


def fitted(trunk, folder, shots=None, seed=5, report=None, **changes):
    detector = EfficientAD.of({**SMALL, **changes})
    given = {} if report is None else {"report": report}
    training = Training(seed, folder, "x", inputs={"weights": trunk}, **given)
    detector.fit(images(3) if shots is None else shots, training)
    return detector


@pytest.fixture(scope="module")
def detector(trunk, tmp_path_factory):
    return fitted(trunk, tmp_path_factory.mktemp("fit"))


def test_shapes_and_types(detector):
    scores = detector.score(images(2, seed=1))
    assert (scores.image.shape, scores.image.dtype) == ((2,), np.float64)
    assert (scores.maps.shape, scores.maps.dtype) == ((2, 12, 12), np.float32)
    assert np.isfinite(scores.maps).all()
    terms = {"distillation", "hard", "autoencoder", "student_autoencoder"}
    curves = {
        k.removeprefix("history/"): v for k, v in detector.state().items() if k.startswith("h")
    }
    assert curves.keys() == terms
    assert {(v.shape, v.dtype) for v in curves.values()} == {(torch.Size([4]), torch.float32)}


def test_same_seed_same_bytes(detector, trunk, tmp_path):
    again, other = fitted(trunk, tmp_path), fitted(trunk, tmp_path / "other", seed=6)
    for name, each in (("a", detector), ("b", again), ("c", other)):
        write_safetensors(tmp_path / name, each.state(), {})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert (tmp_path / "a").read_bytes() != (tmp_path / "c").read_bytes()


def test_loaded_equals_fitted(detector, tmp_path):
    write_safetensors(tmp_path / "head.safetensors", detector.state(), {})
    loaded = EfficientAD.of(SMALL)
    loaded.load_state(read_safetensors(tmp_path / "head.safetensors")[0])
    expected, found = (each.score(images(3, seed=1)) for each in (detector, loaded))
    assert np.array_equal(expected.image, found.image)
    assert np.array_equal(expected.maps, found.maps)
    write_safetensors(tmp_path / "again.safetensors", loaded.state(), {})
    assert (tmp_path / "again.safetensors").read_bytes() == (
        tmp_path / "head.safetensors"
    ).read_bytes()


def test_one_image_equals_a_batch(detector):
    test = images(4, seed=1)
    whole = detector.score(test)
    for index in range(4):
        alone = detector.score(test[[index]])
        assert alone.image[0] == whole.image[index]
        assert np.array_equal(alone.maps[0], whole.maps[index])


@pytest.mark.parametrize("border", ["after", "before"])
def test_one_shot_and_constant_images_have_finite_scores(trunk, tmp_path, border):
    test = np.concatenate([images(2, seed=1), np.zeros((1, 48, 48, 3), np.uint8)])
    for shots in (images(1), np.zeros((2, 48, 48, 3), np.uint8)):
        scores = fitted(trunk, tmp_path / str(len(shots)), shots, border=border).score(test)
        assert np.isfinite(scores.image).all()
        assert np.isfinite(scores.maps).all()


@pytest.mark.parametrize(("phase", "at"), [("teacher", 2), ("student", 1), ("student", 3)])
def test_resumes_in_each_phase_to_the_same_bytes(detector, trunk, tmp_path, monkeypatch, phase, at):
    monkeypatch.setattr("medad.detectors.training.run.__defaults__", (0.0,))

    def interrupt(done, total, text):
        if (text, done) == (phase, at):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fitted(trunk, tmp_path, report=interrupt)
    assert (tmp_path / f"{phase}.safetensors").is_file()
    resumed = []
    again = fitted(trunk, tmp_path, report=lambda done, total, text: resumed.append((text, done)))
    assert (phase, 0) not in resumed
    write_safetensors(tmp_path / "a", detector.state(), {})
    write_safetensors(tmp_path / "b", again.state(), {})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_learns_and_finds_a_lesion(trunk, tmp_path):
    views = {"crop": 0.9, "rotate": 5.0, "flip": 0.0, "tone": 0.0}
    schedule = {"steps": 60, "distil_steps": 30, "learning_rate": 3e-3}
    taught = fitted(trunk, tmp_path, views=views, **schedule)
    for term in ("distillation", "hard", "autoencoder"):
        curve = taught.state()[f"history/{term}"]
        assert curve[-10:].median() < 0.8 * curve[:3].median(), term
    healthy = images(6, seed=1)
    lesion = images(6, seed=2)
    lesion[:, 18:30, 18:30] = 255 - lesion[:, 18:30, 18:30]
    assert taught.score(lesion).image.min() > taught.score(healthy).image.max()


def test_maps_and_quantiles_against_slow_sums(detector):
    """From what the three networks say, in float64 and loops."""
    state, net, side = detector.state(), detector.networks, 48
    raw = []
    for picture in images(3):
        x = torch.from_numpy(picture / 255.0).permute(2, 0, 1)[None].float()
        mean, std = ([[0.485], [0.456], [0.406]], [[0.229], [0.224], [0.225]])
        x = (x - torch.tensor(mean)[..., None]) / torch.tensor(std)[..., None]
        with torch.no_grad():
            teacher, student, rebuilt = (
                network(x)[0].numpy().astype(np.float64)
                for network in (net.teacher, net.student, net.autoencoder)
            )
        teacher = (teacher - state["mean"].numpy()) / state["deviation"].numpy()
        against = np.stack([teacher, rebuilt]) - np.stack([student[:8], student[8:]])
        raw.append((against**2).mean(1))
    raw = np.stack(raw, 1)
    low, high = (
        np.array([np.quantile(one, q) for one in raw])[:, None, None, None] for q in (0.9, 0.995)
    )
    assert state["quantiles"].numpy() == pytest.approx(
        np.concatenate([low, high], 1)[:, :, 0, 0], rel=1e-4
    )
    expected = np.pad((0.1 * (raw - low) / (high - low)).mean(0), ((0, 0), (4, 4), (4, 4)))
    scores = detector.score(images(3))
    assert scores.maps == pytest.approx(expected, abs=1e-3)
    enlarged = torch.nn.functional.interpolate(
        torch.from_numpy(scores.maps)[:, None], (side, side), mode="bilinear"
    )
    assert scores.image == pytest.approx(enlarged.amax((1, 2, 3)).numpy())


def test_map_and_score_are_anomalibs(monkeypatch):
    """Recorded with the networks of test_pdn.py and these means, deviations and quantiles.

    anomalib 2.7.0 pads before its quantiles; of its map each 16th row and column is kept.
    """
    settings = {**SMALL, "side": 256, "width": 1.0, "border": "before"}
    detector = EfficientAD.of(settings)
    mean, deviation = (torch.linspace(*ends, 8)[:, None, None] for ends in ((-0.5, 0.5), (0.5, 1)))
    teacher, student = (fill(PatchDescription("small", count)) for count in (8, 16))
    detector.networks = Networks(teacher, student, fill(AutoEncoder(256, 8)), mean, deviation)
    detector.quantiles = torch.tensor([[0.4, 2.0], [0.3, 1.0]])
    monkeypatch.setattr(detector, "_pixels", lambda images: image(256))
    scores = detector.score(np.zeros((1, 256, 256, 3), np.uint8))
    with np.load(FIXTURE) as recorded:
        assert scores.image == pytest.approx(recorded["score"], rel=1e-4)
        whole = torch.nn.functional.interpolate(
            torch.from_numpy(scores.maps)[:, None], (256, 256), mode="bilinear"
        )
        assert whole[0, 0, ::16, ::16].numpy() == pytest.approx(recorded["map"], abs=1e-5)


def test_padding_before_quantiles_counts_the_zeros(trunk, tmp_path, detector):
    before = fitted(trunk, tmp_path, border="before")
    assert (before.quantiles[:, 0] < detector.quantiles[:, 0]).all()
    edge = before.score(images(1)).maps[0, 0]
    assert (edge < 0).all()
    assert (detector.score(images(1)).maps[0, :BORDER] == 0).all()


def test_held_out_images_have_the_quantiles(trunk, tmp_path):
    shots = images(2)
    shots[1] = shots[1][::-1]
    detector = fitted(trunk, tmp_path, shots, quantiles="held_out")
    fits = [
        torch.allclose(detector._quantiles(detector._pixels(shots[[index]])), detector.quantiles)
        for index in range(2)
    ]
    assert sorted(fits) == [False, True]
    kept = fits.index(False)
    alone = fitted(trunk, tmp_path / "alone", shots[[kept]])
    assert torch.equal(
        alone.state()["student/conv1.weight"], detector.state()["student/conv1.weight"]
    )
    with pytest.raises(MedadError, match="held_out leaves none of 1 images to train on"):
        fitted(trunk, tmp_path / "none", images(1), quantiles="held_out")


def test_a_foreign_state_is_refused(detector):
    with pytest.raises(MedadError, match="not the state of this EfficientAD"):
        EfficientAD.of(SMALL).load_state({"weights": torch.zeros(3)})
    for change in ({"channels": 9}, {"size": "medium"}, {"side": 64}):
        with pytest.raises(MedadError, match="not the state of this EfficientAD"):
            EfficientAD.of({**SMALL, **change}).load_state(detector.state())


def test_needs_a_fit():
    with pytest.raises(RuntimeError, match="before score"):
        EfficientAD.of(SMALL).score(images(1))
    with pytest.raises(RuntimeError, match="before state"):
        EfficientAD.of(SMALL).state()


def test_images_of_another_side_are_refused(detector):
    with pytest.raises(MedadError, match="allowed: uint8"):
        detector.score(images(1, side=64))


def test_the_grid_is_a_quarter_of_the_side():
    assert [grid(side) + 2 * BORDER for side in (256, 128, 50)] == [64, 32, 13]
