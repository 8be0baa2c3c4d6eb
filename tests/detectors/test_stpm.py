"""STPM: maps, scores and loss are anomalib's; what it learns; refusals."""

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
from medad.detectors.stpm import Stpm, StpmParameters, distances
from medad.detectors.training import Training
from medad.detectors.trunks import untrained
from medad.errors import MedadError

DEFAULTS = yaml.safe_load((Path(__file__).parents[2] / "params.yaml").read_text())["detectors"]
BACKBONE = {"name": "resnet18", "normalisation": "imagenet"}
PARAMS = {**DEFAULTS["stpm"], "side": 64, "backbone": BACKBONE}


@pytest.fixture
def detector():
    made = Stpm.of(PARAMS)
    student = fill(untrained("resnet18", 3, learns=True), 1)
    made.networks = {"teacher": fill(untrained("resnet18", 3)), "student": student}
    return made


def test_map_and_score_are_anomalibs(detector, recorded, seen, monkeypatch):
    found = detector.pixel_map(seen[0])
    assert found == pytest.approx(recorded["stpm_map"], rel=1e-4)
    assert np.corrcoef(found.ravel(), recorded["stpm_map"].ravel())[0, 1] > 0.9999
    monkeypatch.setattr("medad.detectors.stpm.pixels", lambda images, side, normalisation: seen)
    scores = detector.score(np.zeros((1, 64, 64, 3), np.uint8))
    assert scores.image == pytest.approx(recorded["stpm_score"].ravel(), rel=1e-4)
    assert scores.maps.shape == (1, 16, 16)


@torch.no_grad()
def test_the_summed_loss_is_anomalibs(detector, recorded, seen):
    both = torch.cat([seen, seen.flip(3)])
    told, said = (detector.networks[name](both, (1, 2, 3)) for name in ("teacher", "student"))
    each = sum(distances(told[layer], said[layer]).mean((1, 2)) for layer in (1, 2, 3))
    assert each.sum().numpy() == pytest.approx(recorded["stpm_loss"], rel=1e-5)


def test_distances_are_equation_1():
    rng = np.random.default_rng(0)
    told, said = rng.normal(size=(2, 3, 5, 2, 2))
    expected = np.empty((3, 2, 2))
    for place in np.ndindex(3, 2, 2):
        index = (place[0], slice(None), *place[1:])
        one, other = (x[index] / np.linalg.norm(x[index]) for x in (told, said))
        expected[place] = 0.5 * np.sum((one - other) ** 2)
    found = distances(torch.from_numpy(told), torch.from_numpy(said))
    assert found.numpy() == pytest.approx(expected)


def fitted(folder, shots, **changes):
    folder.mkdir(exist_ok=True)
    weights = folder / "trunk.safetensors"
    save(weights, build(TrunkSpec("resnet18"), torch.Generator().manual_seed(0)), {})
    made = Stpm.of({**PARAMS, "epochs": 3, **changes})
    made.fit(shots, Training(0, folder, "this fit", inputs={"weights": weights}))
    return made


def test_the_two_reductions_differ_by_the_number_of_images(tmp_path):
    shots = np.random.default_rng(0).integers(0, 256, (3, 64, 64, 3), np.uint8)
    mean, total = (
        fitted(tmp_path / how, shots, reduction=how, epochs=1) for how in ("mean", "sum")
    )
    first = [made.state()["history/loss"][0].item() for made in (mean, total)]
    assert first[1] == pytest.approx(3 * first[0], rel=1e-5)


def test_the_teacher_stays_and_the_student_learns(tmp_path):
    shots = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), np.uint8)
    state = fitted(tmp_path, shots, layers=[1, 2], epochs=12).state()
    start = build(TrunkSpec("resnet18"), torch.Generator().manual_seed(0)).state_dict()
    kept = {name: t for name, t in state.items() if name.startswith("teacher/")}
    assert not any("layer3" in name for name in kept)  # nothing beyond the deepest layer
    assert all(torch.equal(t, start[name.removeprefix("teacher/")]) for name, t in kept.items())
    assert int(state["student/bn1.num_batches_tracked"]) == 12
    loss = state["history/loss"]
    assert loss[-1] < loss[0]


def test_student_and_teacher_see_pixels_of_the_normalisation_asked_for(tmp_path):
    shots = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), np.uint8)
    half = fitted(tmp_path, shots, epochs=1, backbone={**BACKBONE, "normalisation": "half"})
    restored = Stpm.of({**PARAMS, "epochs": 1})
    restored.load_state(half.state())
    seen = normalise(shots[:1], "half")[0]
    assert half.score(shots[:1]).image[0] == pytest.approx(restored.pixel_map(seen).max(), rel=1e-6)
    assert half.score(shots[:1]).image[0] != restored.score(shots[:1]).image[0]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"layers": []}, "layers: got"),
        ({"layers": [1, 1]}, "layers: got"),
        ({"epochs": 0}, "epochs: got 0"),
        ({"batch": 0}, "batch: got 0"),
        ({"reduction": "max"}, "reduction: got 'max', allowed: mean, sum"),
        ({"learning_rate": 0.0}, "learning_rate: got 0.0"),
        ({"momentum": -1.0}, "momentum: got -1.0"),
    ],
)
def test_parameters_are_checked(changes, message):
    with pytest.raises(MedadError, match=message):
        StpmParameters.of({**PARAMS, **changes})
