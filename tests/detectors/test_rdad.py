"""RDAD: maps, scores and loss are anomalib's; what it learns; refusals."""

from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from filled import fill

from medad.backbones.checkpoint import save
from medad.backbones.preprocess import normalise
from medad.backbones.resnet import build
from medad.backbones.spec import TrunkSpec
from medad.detectors.rdad import Rdad, RdadParameters, unlike
from medad.detectors.rdad_networks import Bottleneck, Decoder
from medad.detectors.training import Training
from medad.detectors.trunks import untrained
from medad.errors import MedadError

DEFAULTS = yaml.safe_load((Path(__file__).parents[2] / "params.yaml").read_text())["detectors"]
BACKBONE = {"name": "resnet18", "normalisation": "imagenet"}
PARAMS = {**DEFAULTS["rdad"], "side": 64, "backbone": BACKBONE}


@pytest.fixture
def detector():
    made = Rdad.of(PARAMS)
    made.networks = {
        "teacher": fill(untrained("resnet18", 3)),
        "bottleneck": fill(Bottleneck("resnet18")),
        "decoder": fill(Decoder("resnet18"), 1),
    }
    return made


def test_map_and_score_are_anomalibs(detector, recorded, seen, monkeypatch):
    found = detector.pixel_map(seen[0])
    assert found == pytest.approx(recorded["rdad_map"], rel=1e-5)
    assert np.corrcoef(found.ravel(), recorded["rdad_map"].ravel())[0, 1] > 0.9999
    monkeypatch.setattr("medad.detectors.rdad.pixels", lambda images, side, normalisation: seen)
    scores = detector.score(np.zeros((1, 64, 64, 3), np.uint8))
    assert scores.image == pytest.approx(recorded["rdad_score"], rel=1e-5)
    assert scores.maps.shape == (1, 16, 16)


@torch.no_grad()
def test_the_loss_of_whole_images_is_anomalibs(detector, recorded, seen):
    told = detector.networks["teacher"](torch.cat([seen, seen.flip(3)]), (1, 2, 3))
    said = detector.networks["decoder"](detector.networks["bottleneck"](told))
    found = sum(unlike(told[layer], said[layer], "images").mean() for layer in (1, 2, 3))
    assert found.numpy() == pytest.approx(recorded["rdad_loss"], rel=1e-5)


def test_cosines_of_images_and_of_positions():
    rng = np.random.default_rng(0)
    told, said = rng.normal(size=(2, 3, 5, 2, 2))

    def cosine(one, other):
        return one @ other / np.linalg.norm(one) / np.linalg.norm(other)

    tensors = torch.from_numpy(told), torch.from_numpy(said)
    whole = [1 - cosine(a.ravel(), b.ravel()) for a, b in zip(told, said, strict=True)]
    assert unlike(*tensors, "images").numpy() == pytest.approx(np.array(whole))
    found = unlike(*tensors, "positions").numpy()
    for n, y, x in np.ndindex(3, 2, 2):
        assert found[n, y, x] == pytest.approx(1 - cosine(told[n, :, y, x], said[n, :, y, x]))


def test_all_networks_see_pixels_of_the_normalisation_asked_for(tmp_path, monkeypatch):
    given = []

    def spied(images, side, normalisation):
        given.append(normalisation)
        return normalise(images, normalisation)

    monkeypatch.setattr("medad.detectors.rdad.pixels", spied)
    save(
        tmp_path / "w.safetensors",
        build(TrunkSpec("resnet18"), torch.Generator().manual_seed(0)),
        {},
    )
    shots = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), np.uint8)
    backbone = {**BACKBONE, "normalisation": "half"}
    made = Rdad.of({**PARAMS, "epochs": 1, "backbone": backbone})
    made.fit(shots, Training(0, tmp_path, "x", inputs={"weights": tmp_path / "w.safetensors"}))
    made.score(shots[:1])
    assert given == ["half", "half"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"side": 48}, "image.side: got 48, allowed for rdad: multiples of 32"),
        ({"epochs": 0}, "epochs: got 0"),
        ({"batch": 0}, "batch: got 0"),
        ({"cosine": "pixels"}, "cosine: got 'pixels', allowed: images, positions"),
        ({"learning_rate": 0.0}, "learning_rate: got 0.0"),
        ({"beta2": 1.0}, "beta2: got 1.0"),
        ({"smooth": -1.0}, "smooth: got -1.0"),
    ],
)
def test_parameters_are_checked(changes, message):
    with pytest.raises(MedadError, match=message):
        RdadParameters.of({**PARAMS, **changes})
