import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from medad.backbones import checkpoint, weights
from medad.backbones.resnet import Trunk, attentions, rebuild
from medad.errors import MedadError
from medad.files import write_npz
from medad.pretraining.consult import train
from medad.pretraining.session import Session

SIDE = 32


@pytest.fixture(scope="module")
def start():
    return weights.random("resnet18", 0)


@pytest.fixture(scope="module")
def arrays():
    rng = np.random.default_rng(0)
    arrays = {
        "originals": rng.integers(0, 256, (2, SIDE, SIDE), dtype=np.uint8),
        "healthy": rng.integers(0, 256, (3, SIDE, SIDE), dtype=np.uint8),
        "anomalous": rng.integers(0, 256, (3, SIDE, SIDE), dtype=np.uint8),
        "masks": np.zeros((3, SIDE, SIDE), np.uint8),
    }
    arrays["masks"][:, 4:24, 8:28] = 1
    return arrays


@pytest.fixture
def pairs(arrays, tmp_path):
    write_npz(tmp_path / "pairs.npz", arrays)
    return tmp_path / "pairs.npz"


@pytest.fixture
def session(tmp_path):
    return Session(
        attention_seed=1,
        batch_seed=2,
        events=tmp_path / "events.jsonl",
        live=tmp_path / "live.jsonl",
        partial=tmp_path / "partial.safetensors",
        fingerprint="this",
    )


def _events(session):
    return [json.loads(line) for line in session.events.read_text().splitlines()]


def _bytes(adapted, path):
    checkpoint.save(path, adapted.trunk, adapted.facts)
    return path.read_bytes()


def test_training_lowers_the_loss_and_leaves_the_start_alone(start, pairs, gentle, session):
    before = {key: value.clone() for key, value in start.state_dict().items()}
    change = {"epochs": 8, "healthy": 9, "anomalous": 9}
    start.spec = replace(start.spec, normalisation="half")
    adapted = train(start, pairs, gentle | change, session)
    losses = [event["loss"] for event in _events(session)]
    assert len(losses) == 8
    assert np.mean(losses[-3:]) < np.mean(losses[:3])
    assert all(torch.equal(start.state_dict()[key], before[key]) for key in before)
    spec = adapted.trunk.spec
    assert (spec.activation, spec.attention, spec.depth) == ("leaky_relu", "stage", 3)
    assert spec.normalisation == "half"  # the start's
    assert not adapted.trunk.training
    assert adapted.facts == {"distance_scale": 1.0}


def test_statistics_stay_and_every_weight_moves(start, pairs, gentle, session):
    trunk = train(start, pairs, gentle, session).trunk
    begin = rebuild(start, trunk.spec, torch.Generator().manual_seed(session.attention_seed))
    for (name, now), (_, was) in zip(
        trunk.state_dict().items(), begin.state_dict().items(), strict=True
    ):
        assert torch.equal(now, was) == ("running" in name), name


@pytest.mark.parametrize("attention", ["stage", "block"])
def test_attention_alone_may_be_trained(start, pairs, gentle, session, attention):
    change = {"trainable": "attention", "attention": attention, "attention_init": "reference"}
    trunk = train(start, pairs, gentle | change, session).trunk
    gates = tuple(f"{name}." for name in attentions(trunk))
    for name, value in trunk.state_dict().items():
        if not name.startswith(gates):
            assert torch.equal(value, start.state_dict()[name])
    begin = rebuild(start, trunk.spec, torch.Generator().manual_seed(session.attention_seed))
    assert not torch.equal(
        trunk.get_parameter(f"{gates[0]}spatial.norm.bias"),
        begin.get_parameter(f"{gates[0]}spatial.norm.bias"),
    )


def test_layers_beyond_the_deepest_trained_stay(start, pairs, gentle, session):
    trunk = train(start, pairs, gentle | {"layers": [1, 2], "attention": "none"}, session).trunk
    assert torch.equal(trunk.layer3[0].conv1.weight, start.layer3[0].conv1.weight)
    assert not torch.equal(trunk.layer2[1].conv2.weight, start.layer2[1].conv2.weight)


@pytest.mark.parametrize("init", ["identity", "ordinary", "reference"])
def test_interpolating_with_0_gives_the_start_back(start, pairs, gentle, session, init):
    trunk = train(
        start, pairs, gentle | {"interpolate": 0.0, "attention_init": init}, session
    ).trunk
    own, theirs = trunk.state_dict(), start.state_dict()
    assert all(torch.equal(own[key], theirs[key]) for key in own.keys() & theirs.keys())
    plain = rebuild(start, replace(trunk.spec, attention="none"), torch.Generator())
    x = torch.rand(1, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        same = torch.equal(trunk(x, [3])[3], plain(x, [3])[3])
    assert same == (init == "identity")


def test_interpolation_is_linear(start, pairs, gentle, session):
    def weight(a):
        made = train(start, pairs, gentle | {"interpolate": a}, session).trunk
        return made.layer2[0].conv1.weight

    torch.testing.assert_close(weight(0.25), 0.75 * weight(0.0) + 0.25 * weight(1.0))


@pytest.mark.parametrize("scale", ["none", "initial"])
def test_a_killed_training_gives_the_same_bytes(
    start, pairs, gentle, session, tmp_path, monkeypatch, scale
):
    params = gentle | {"epochs": 6, "distance_scale": scale, "similarity": "squared"}
    straight = _bytes(train(start, pairs, params, session), tmp_path / "a.safetensors")
    events = session.events.read_bytes()
    session.events.unlink()

    def killed(done, total, text):
        if done == 3:
            raise KeyboardInterrupt

    clock = iter(range(0, 10**6, 1000))  # every epoch seems slow enough to be saved
    monkeypatch.setattr("medad.pretraining.loop.time.monotonic", lambda: next(clock))
    with pytest.raises(KeyboardInterrupt):
        train(start, pairs, params, replace(session, report=killed))
    monkeypatch.undo()
    assert session.partial.exists()
    reports = []
    heard = replace(session, report=lambda done, total, text: reports.append(done))
    resumed = train(start, pairs, params, heard)
    assert reports[0] > 0
    assert _bytes(resumed, tmp_path / "b.safetensors") == straight
    assert session.events.read_bytes() == events


def test_distance_scale_is_d_push_at_the_first_step(start, pairs, gentle, session):
    plain = train(start, pairs, gentle, session)
    first = _events(session)[0]
    adapted = train(start, pairs, gentle | {"distance_scale": "initial"}, session)
    assert adapted.facts["distance_scale"] == pytest.approx(first["d_push"], rel=1e-5)
    scaled = _events(session)[0]
    assert scaled["d_push"] == pytest.approx(1, rel=1e-5)
    assert scaled["d_pull"] == pytest.approx(first["d_pull"] / first["d_push"], rel=1e-5)
    assert plain.facts["distance_scale"] == 1.0


@pytest.mark.parametrize(
    "change",
    [
        {"distance": "nearest_shots", "normalise": True, "squared": False},
        {"precision": "bfloat16"},
        {"attention": "block", "placement": "pre_add", "attention_init": "identity"},
        {"contrast": "none", "koleo": "nearest", "koleo_on": "anchor_patches"},
        {"layers": [2, 3, 4], "grid": 3, "similarity": "none", "activation": "relu"},
        {"pull_background": True, "distance": "nearest", "pool": 1},
    ],
)
def test_every_reading_trains(start, pairs, gentle, session, change):
    trunk = train(start, pairs, gentle | {"epochs": 1} | change, session).trunk
    assert all(torch.isfinite(value).all() for value in trunk.state_dict().values())
    assert not torch.equal(trunk.conv1.weight, start.conv1.weight)
    assert len(_events(session)) == 1


def test_one_shot_is_enough(start, arrays, gentle, session, tmp_path):
    write_npz(tmp_path / "one.npz", arrays | {"originals": arrays["originals"][:1]})
    assert isinstance(train(start, tmp_path / "one.npz", gentle, session).trunk, Trunk)


def test_no_epochs_only_change_the_architecture(start, pairs, gentle, session):
    change = {"epochs": 0, "attention": "none", "distance_scale": "initial"}
    trunk = train(start, pairs, gentle | change, session).trunk
    assert trunk.spec.activation == "leaky_relu"
    assert all(torch.equal(v, start.state_dict()[k]) for k, v in trunk.state_dict().items())


def test_seeds_decide(start, pairs, gentle, session, tmp_path):
    first = _bytes(train(start, pairs, gentle, session), tmp_path / "a.safetensors")
    same = _bytes(train(start, pairs, gentle, session), tmp_path / "b.safetensors")
    assert first == same
    for field in ("attention_seed", "batch_seed"):
        other = train(start, pairs, gentle, replace(session, **{field: 99}))
        assert _bytes(other, tmp_path / "c.safetensors") != first


def test_a_start_without_the_layer_is_an_error(start, pairs, gentle, session):
    shallow = rebuild(start, replace(start.spec, depth=3), torch.Generator())
    with pytest.raises(MedadError, match="use weights that hold every layer"):
        train(shallow, pairs, gentle | {"layers": [3, 4], "grid": 3}, session)
