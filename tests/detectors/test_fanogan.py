"""f-AnoGAN: its networks, its score against numpy, what trains when, and the legacy switch."""

from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from medad.detectors.fanogan import FAnoGan, FAnoGanParameters
from medad.detectors.training import Training
from medad.errors import MedadError

DEFAULTS = yaml.safe_load((Path(__file__).parents[2] / "params.yaml").read_text())["detectors"]
SMALL = {"resolution": 32, "latent": 6, "epochs": 3, "encoder_epochs": 2}
IMAGES = np.random.default_rng(0).integers(0, 256, (3, 40, 40, 3), dtype=np.uint8)


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)


def make(**changes):
    return FAnoGan.of({**DEFAULTS["fanogan"], **SMALL, **changes, "side": 40})


def fitted(folder, **changes):
    detector = make(**changes)
    folder.mkdir(exist_ok=True)
    detector.fit(IMAGES, Training(0, folder, "x"))
    return detector


def test_score_is_the_encoders_loss(tmp_path):
    detector = fitted(tmp_path, kappa=0.5)
    nets = detector.modules
    scores = detector.score(IMAGES[:2])
    for number, image in enumerate(IMAGES[:2]):
        import cv2

        small = cv2.resize(image, (32, 32), interpolation=cv2.INTER_AREA)
        x = torch.from_numpy(small.transpose(2, 0, 1)[None] / 127.5 - 1).float()
        with torch.no_grad():
            again = nets["generator"](nets["encoder"](x))
            f, g = (nets["critic"][0](part).double().numpy() for part in (x, again))
        residual = (x.double() - again.double()).numpy() ** 2
        expected = residual.mean() + 0.5 * ((f - g) ** 2).mean()
        assert scores.image[number] == pytest.approx(expected, rel=1e-5)
        assert scores.maps[number] == pytest.approx(residual[0].mean(0), abs=1e-5)
        shown = np.round((again[0].permute(1, 2, 0).numpy() + 1) * 127.5)
        assert np.array_equal(detector.reconstruct(image[None])[0], shown)


@pytest.mark.parametrize(
    ("changes", "generator"),
    [
        ({}, 3),  # one step a pass: the count begins anew with each
        ({"critic_count": "run"}, 1),  # of 3 steps the first
        ({"batch": 1, "n_critic": 2}, 6),  # steps 0 and 2 of 3 in each of 3 passes
        ({"batch": 1, "n_critic": 2, "critic_count": "run"}, 5),  # steps 0, 2, 4, 6, 8 of 9
    ],
)
def test_how_often_the_generator_is_trained(tmp_path, changes, generator):
    state = fitted(tmp_path, **changes).state()
    steps = 9 if "batch" in changes else 3
    assert len(state["history/critic"]) == len(state["history/penalty"]) == steps
    assert len(state["history/generator"]) == generator
    assert len(state["history/pixels"]) == len(state["history/features"]) == steps // 3 * 2


def test_the_encoders_training_leaves_the_gan_alone(tmp_path):
    once, twice = fitted(tmp_path / "1"), fitted(tmp_path / "2", encoder_epochs=4)
    for key, tensor in once.state().items():
        if key.startswith(("generator/", "critic/")):
            assert torch.equal(tensor, twice.state()[key])
    assert not torch.equal(once.state()["encoder/1.weight"], twice.state()["encoder/1.weight"])


def test_reconstructions(tmp_path):
    made = fitted(tmp_path).reconstruct(IMAGES)
    assert (made.shape, made.dtype) == ((3, 32, 32, 3), np.uint8)
    with pytest.raises(RuntimeError, match="before reconstruct"):
        make().reconstruct(IMAGES)


@pytest.mark.parametrize(
    "wrong",
    [
        {"resolution": 16},
        {"resolution": 40},
        {"latent": 0},
        {"encoder_epochs": 0},
        {"critic_count": "step"},
        {"kappa": -1.0},
        {"penalty": float("nan")},
        {"learning_rate": 0.0},
        {"beta1": 1.0},
    ],
)
def test_impossible_parameters_are_refused(wrong):
    with pytest.raises(MedadError, match=rf"{next(iter(wrong))}: got .*, allowed: "):
        FAnoGanParameters(**{**DEFAULTS["fanogan"], **wrong})
