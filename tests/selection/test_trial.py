from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from medad.backbones import checkpoint, weights
from medad.backbones.pyramid import features
from medad.config.load import load
from medad.detectors.patchcore import PatchCore
from medad.pretraining import loop
from medad.selection.trial import LOGGED, Candidate, Trial, adapt, lesioned, run

SIDE = 48
START = {"epochs": 0, "interpolate": 0.0, "attention": "none", "activation": "relu"}


@pytest.fixture
def trial(project):
    config = load(project)
    rows, columns = np.indices((SIDE, SIDE))
    brain = np.hypot((rows - 24) / 19, (columns - 24) / 16) < 1
    noise = gaussian_filter(np.random.default_rng(0).normal(size=(4, SIDE, SIDE)), (0, 1, 1))
    grey = (brain * np.clip(120 + 80 * noise, 0, 255)).astype(np.uint8)
    checkpoint.save(project / "start.safetensors", weights.random("resnet18", 0), {})
    stage1 = config.stage1.consult.model_dump()
    plain = Candidate(
        {**stage1, "attention": "none", "learning_rate": 1e-2},
        config.detectors.patchcore.model_dump(),
    )
    return Trial(
        candidates={"plain": plain},
        identity={"dataset": "phantom", "draw": 0},
        seed=0,
        images=np.repeat(grey[..., None], 3, axis=3),
        held_out=2,
        lesions=2,
        contrast={"blob": 0.8, "texture": 3.0},
        synthesis=config.synthesis.consult.model_dump(),
        weights=project / "start.safetensors",
        threads=1,
    )


def _with(trial, **changes):
    """The trial's only candidate with other parameters of stage 1."""
    (name,) = trial.candidates
    reading = trial.candidates[name]
    return replace(reading, stage1={**reading.stage1, **changes})


def test_the_unadapted_backbone_is_patchcore_on_the_bank(trial):
    found = run(replace(trial, candidates={"start": _with(trial, **START)}))["start"]
    trunk = checkpoint.load(trial.weights)
    detector = PatchCore.of(trial.candidates["plain"].detector)
    detector.fit(
        features(trunk, trial.images[2:], (2, 3), batch=1),
        np.random.default_rng(trial.draw("head")),
    )
    expected = detector.score(features(trunk, trial.images[:2], (2, 3), batch=1)).image
    assert found["healthy"] == expected.tolist()
    assert found["movement"] == pytest.approx({"norm": 1, "rank": 1, "cosine": 1}, abs=1e-6)
    assert found["trained"] == 0


def test_training_moves_features_and_scores_have_the_promised_shape(trial):
    found = run(trial)["plain"]
    assert set(found["positives"]) == {"blob", "texture", LOGGED}
    assert all(np.shape(rows) == (2, 2) for rows in found["positives"].values())
    assert found["movement"]["cosine"] < 0.9999
    assert found["trained"] > 2_000_000
    assert found == run(trial)["plain"]


def test_candidates_that_share_a_training_are_what_they_are_alone(trial, monkeypatch):
    """Whatever progress the shared training happens to have saved."""
    together = {
        "whole": _with(trial),
        "half": _with(trial, interpolate=0.5),
        "none": _with(trial, interpolate=0.0),
    }
    alone = {
        name: run(replace(trial, candidates={name: reading}))[name]
        for name, reading in together.items()
    }
    assert len({str(result) for result in alone.values()}) == 3
    assert run(replace(trial, candidates=together)) == alone
    monkeypatch.setattr(loop.run, "__defaults__", (0.0,))  # saves after every epoch
    assert run(replace(trial, candidates=together)) == alone


def test_held_out_images_do_not_train(trial):
    start = checkpoint.load(trial.weights)
    other = trial.images.copy()
    other[:2] = 0
    begin, after = adapt(trial, start, trial.images[2:])
    again = adapt(replace(trial, images=other), start, other[2:])[1]
    ours, theirs = after["plain"].state_dict(), again["plain"].state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    assert not all(torch.equal(ours[name], begin.state_dict()[name]) for name in ours)


def test_lesions_are_the_same_for_every_candidate_and_differ_otherwise(trial):
    made = lesioned(trial)
    other = lesioned(replace(trial, candidates={"x": _with(trial, **START)}))
    assert all((made[name] == other[name]).all() for name in made)
    assert made["blob"].shape == (2, 2, SIDE, SIDE)
    for family in made:
        changed = made[family] != trial.images[:2, None, ..., 0]
        assert changed.any(axis=(2, 3)).all()
    assert (made["blob"][0, 0] != made["blob"][0, 1]).any()
    moved = lesioned(replace(trial, identity={"dataset": "phantom", "draw": 1}))
    assert (moved["blob"] != made["blob"]).any()
