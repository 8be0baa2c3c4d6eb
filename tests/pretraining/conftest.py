import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from medad.backbones import checkpoint, weights
from medad.files import write_npz
from medad.pretraining.session import Session

_GENTLE = {
    "epochs": 2,
    "steps_per_epoch": 1,
    "healthy": 2,
    "anomalous": 2,
    "learning_rate": 1e-3,
    "trainable": "all",
    "activation": "leaky_relu",
    "slope": 0.01,
    "attention": "stage",
    "placement": "post_add",
    "attention_init": "ordinary",
    "layers": [1, 2, 3],
    "grid": 2,
    "pool": 3,
    "normalise": False,
    "distance": "aligned",
    "squared": True,
    "distance_scale": "none",
    "push": "mask",
    "coverage": 0.3,
    "pull_background": False,
    "contrast": "tritanh",
    "tritanh": {"pull": 1.0, "push": 0.5, "m0": 0.0, "m1": 0.0},
    "anchor": {"pull": 1.0, "push": 1.0, "margin": 1.0},
    "similarity": "l2",
    "similarity_weight": 0.01,
    "koleo": "norm",
    "koleo_on": "pooled",
    "koleo_weight": 0.01,
    "interpolate": 1.0,
    "precision": "float32",
}


@pytest.fixture(scope="session")
def gentle_params():
    """Plain parameters of CONSULT's stage 1, short and small; not to be changed in place."""
    return _GENTLE


@pytest.fixture
def gentle():
    """The same, to be changed."""
    return dict(_GENTLE)


@pytest.fixture(autouse=True)
def _one_thread():
    """Networks this small are slower on several threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def supervised():
    """Plain parameters of a short training by classification or segmentation."""
    return {
        "epochs": 4,
        "steps_per_epoch": 1,
        "batch": 4,
        "learning_rate": 1e-3,
        "depth": 3,
        "activation": "relu",
        "slope": 0.01,
    }


@pytest.fixture(scope="session")
def random_trunk():
    return weights.random("resnet18", 0)


@pytest.fixture(scope="session")
def bright_lesions():
    """Arrays of a pairs file at 32 px whose lesions are bright squares on grey noise."""
    rng = np.random.default_rng(0)

    def noise(count):
        return rng.integers(40, 90, (count, 32, 32), dtype=np.uint8)

    arrays = {"originals": noise(2), "healthy": noise(4), "anomalous": noise(5)}
    arrays["masks"] = np.zeros((5, 32, 32), np.uint8)
    for index, mask in enumerate(arrays["masks"]):
        mask[3 * index : 3 * index + 14, 8:24] = 1
    arrays["anomalous"][arrays["masks"] > 0] += 140
    return arrays


@pytest.fixture
def bright(bright_lesions, tmp_path):
    write_npz(tmp_path / "bright.npz", bright_lesions)
    return tmp_path / "bright.npz"


@pytest.fixture
def places(tmp_path):
    """A session."""
    return Session(
        attention_seed=1,
        batch_seed=2,
        events=tmp_path / "events.jsonl",
        live=tmp_path / "live.jsonl",
        partial=tmp_path / "partial.safetensors",
        fingerprint="this",
    )


@pytest.fixture
def stored(tmp_path):
    """Function: bytes of an adapted trunk's file."""

    def content(adapted):
        checkpoint.save(tmp_path / "stored.safetensors", adapted.trunk, adapted.facts)
        return (tmp_path / "stored.safetensors").read_bytes()

    return content


@pytest.fixture
def losses(places):
    """Function: the loss of every step of the training just done."""
    return lambda: [json.loads(line)["loss"] for line in places.events.read_text().splitlines()]


@pytest.fixture
def cut_short(places, monkeypatch):
    """Function that begins a training and kills it after its second epoch, progress saved."""

    def begin(train, *arguments):
        def killed(done, total, text):
            if done == 2:
                raise KeyboardInterrupt

        clock = iter(range(0, 10**6, 1000))  # every epoch seems slow enough to be saved
        monkeypatch.setattr("medad.pretraining.loop.time.monotonic", lambda: next(clock))
        with pytest.raises(KeyboardInterrupt):
            train(*arguments, replace(places, report=killed))
        monkeypatch.undo()
        assert places.partial.exists()

    return begin
