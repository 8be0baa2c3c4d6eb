import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from medad.backbones import checkpoint, weights
from medad.files import read_safetensors, write_npz
from medad.steps import stage1
from medad.steps.fingerprint import fingerprint
from medad.task import Task

SIDE = 32


@pytest.fixture(autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def task(tmp_path):
    rng = np.random.default_rng(0)
    shapes = {"originals": 2, "healthy": 3, "anomalous": 3}
    arrays = {
        name: rng.integers(0, 256, (count, SIDE, SIDE), dtype=np.uint8)
        for name, count in shapes.items()
    }
    masks = np.zeros((3, SIDE, SIDE), np.uint8)
    masks[:, :16, :16] = 1
    write_npz(tmp_path / "pairs.npz", arrays | {"masks": masks})
    checkpoint.save(tmp_path / "start.safetensors", weights.random("resnet18", 0), {})
    root = Path(__file__).parents[2]
    shipped = yaml.safe_load((root / "params.yaml").read_text())["stage1"]["consult"]
    return Task(
        kind="stage1",
        identity={"dataset": "phantom", "split": "grouped", "method": "consult", "k": 2, "r": 0},
        params=shipped
        | {
            "epochs": 3,
            "attention": "stage",
            "distance_scale": "none",
            "interpolate": 1.0,
            "seed": 0,
            "side": SIDE,
            "implementation": "medad.pretraining.consult:train",
        },
        inputs={"pairs": tmp_path / "pairs.npz", "weights": tmp_path / "start.safetensors"},
        outputs={"weights": tmp_path / "out.safetensors", "events": tmp_path / "events.jsonl"},
        scratch=tmp_path,
        cache=tmp_path,
        live=tmp_path / "live.jsonl",
    )


def _result(task):
    stage1.run(task)
    return [path.read_bytes() for path in task.outputs.values()]


def test_writes_an_adapted_trunk_and_events(task):
    stage1.run(task)
    trunk = checkpoint.load(task.outputs["weights"])
    assert trunk.spec.attention == "stage"
    assert read_safetensors(task.outputs["weights"])[1]["distance_scale"] == 1.0
    events = [json.loads(line) for line in task.outputs["events"].read_text().splitlines()]
    assert [event["epoch"] for event in events] == [0, 1, 2]
    assert set(task.seeds) == {"attention", "batches"}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, False),
        ({"attention": "none"}, False),
        ({"attention": "none", "epochs": 0}, True),
        ({"attention": "none", "interpolate": 0.0}, True),
        ({"epochs": 0}, False),  # gates of this draw's own
    ],
)
def test_says_whether_the_weights_are_those_of_the_start(task, change, expected):
    stage1.run(replace(task, params={**task.params, **change}))
    assert checkpoint.unchanged(task.outputs["weights"]) is expected


@pytest.mark.parametrize(
    ("section", "fact"), [("classification", "accuracy"), ("segmentation", "iou")]
)
def test_supervised_methods_go_through_the_same_step(task, section, fact):
    root = Path(__file__).parents[2]
    shipped = yaml.safe_load((root / "params.yaml").read_text())["stage1"][section]
    named = {"seed": 0, "implementation": f"medad.pretraining.{section}:train"}
    params = {**shipped, **named, "epochs": 1, "batch": 2}
    for epochs, unchanged in ((1, False), (0, True)):
        stage1.run(replace(task, params={**params, "epochs": epochs}))
        assert checkpoint.unchanged(task.outputs["weights"]) is unchanged
        metadata = read_safetensors(task.outputs["weights"])[1]
        assert 0 <= metadata[fact] <= 1
        assert metadata["trunk"]["depth"] == 4
    assert (metadata["healthy"], metadata["anomalous"]) == (5, 3)


def test_same_bytes_again(task):
    assert _result(task) == _result(task)


def test_methods_share_batches_and_not_initialisation(task):
    _result(task)
    other = replace(task, identity=dict(task.identity) | {"method": "other"}, seeds={})
    _result(other)
    assert task.seeds["batches"] == other.seeds["batches"]
    assert task.seeds["attention"] != other.seeds["attention"]


def test_the_implementation_is_looked_up(task):
    called = {}

    def fake(start, pairs, params, session):
        called.update(locals())
        return stage1.Adapted(start, {"distance_scale": 2.0})

    stage1.fake_method = fake
    try:
        named = dict(task.params) | {"implementation": "medad.steps.stage1:fake_method"}
        stage1.run(replace(task, params=named))
    finally:
        del stage1.fake_method
    assert called["pairs"] == task.inputs["pairs"]
    assert called["session"].events == task.outputs["events"]
    assert read_safetensors(task.outputs["weights"])[1]["distance_scale"] == 2.0


def test_another_parameter_is_another_fingerprint(task):
    longer = replace(task, params=dict(task.params) | {"epochs": 4})
    assert fingerprint(task) != fingerprint(longer)
    assert fingerprint(task) == fingerprint(replace(task, seeds={}))
