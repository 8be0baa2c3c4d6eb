"""The head step: thin, deterministic, and the same draw for every method."""

import hashlib
from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch

from medad.backbones import checkpoint
from medad.backbones.resnet import build
from medad.backbones.spec import TrunkSpec
from medad.errors import MedadError
from medad.files import read_safetensors, write_csv
from medad.steps.head import run
from medad.task import Task

PATCHCORE = {
    "implementation": "medad.detectors.patchcore:PatchCore",
    "layers": [2, 3],
    "pool": 3,
    "coreset": 0.5,
    "neighbors": 9,
    "reweight": True,
    "smooth": 0.0,
}
PADIM = {
    "implementation": "medad.detectors.padim:Padim",
    "layers": [1, 2],
    "align": "nearest",
    "dimensions": 10,
    "regularisation": 0.01,
    "smooth": 0.0,
}


GANOMALY = {
    "implementation": "medad.detectors.ganomaly:Ganomaly",
    "reads": "images",
    "resolution": 16,
    "latent": 4,
    "features": 2,
    "epochs": 3,
    "batch": 64,
    "adversarial": 1.0,
    "contextual": 50.0,
    "encoding": 1.0,
    "learning_rate": 2.0e-4,
    "beta1": 0.5,
    "variant": "paper",
}


@pytest.fixture
def make(tmp_path):
    """A function that makes the task of one method."""
    torch.set_num_threads(1)
    rows = []
    for rank in range(3):
        pixels = np.random.default_rng(rank).integers(0, 256, (40, 40, 3), dtype=np.uint8)
        path = tmp_path / f"{rank}.png"
        cv2.imwrite(str(path), pixels)
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        rows.append({"rank": rank, "path": path.name, "sha256": digest, "group": rank})
    write_csv(tmp_path / "shots.csv", ["rank", "path", "sha256", "group"], rows)
    trunk = build(TrunkSpec("resnet18"), torch.Generator().manual_seed(0))
    checkpoint.save(tmp_path / "weights.safetensors", trunk, {})

    def task(detector, method="patchcore", r=0):
        return Task(
            kind="head",
            identity={"dataset": "d", "split": "s", "method": method, "k": 3, "r": r},
            params={"seed": 0, "side": 32, "frozen": True, "reads": "features", **detector},
            inputs={
                "shots": tmp_path / "shots.csv",
                "weights": tmp_path / "weights.safetensors",
            },
            outputs={"head": tmp_path / f"{method}{r}.safetensors"},
            scratch=tmp_path / "scratch",
            cache=tmp_path / "cache",
            live=tmp_path / "live.jsonl",
            locations={"images": tmp_path},
        )

    return task


@pytest.mark.parametrize("detector", [PATCHCORE, PADIM])
def test_writes_the_same_head_for_every_method(make, detector):
    a, b = make(detector, "a"), make(detector, "b")
    run(a)
    run(b)
    assert a.outputs["head"].read_bytes() == b.outputs["head"].read_bytes()
    assert read_safetensors(a.outputs["head"])[1] == {"implementation": detector["implementation"]}
    assert list(a.seeds) == ["head"]


@pytest.mark.parametrize("detector", [PATCHCORE, PADIM])
def test_little_memory_changes_nothing(make, detector, monkeypatch):
    kept = []

    def spied(*given, real=np.memmap, **rest):
        kept.append(real(*given, **rest))
        return kept[-1]

    monkeypatch.setattr(np, "memmap", spied)
    plenty, little = make(detector, "plenty"), replace(make(detector, "little"), memory=0)
    little.scratch.mkdir()
    run(plenty)
    assert not kept
    run(little)
    assert len(kept) == 3  # two layers and the vectors
    assert plenty.outputs["head"].read_bytes() == little.outputs["head"].read_bytes()
    assert list(little.scratch.iterdir()) == []


def test_replicates_draw_differently(make):
    heads = []
    for r in range(3):
        task = make(PADIM, r=r)
        run(task)
        heads.append(tuple(read_safetensors(task.outputs["head"])[0]["channels"].tolist()))
    assert len(set(heads)) == 3


def test_bank_holds_the_fraction_of_all_shots(make):
    task = make(PATCHCORE)
    run(task)
    # 32 px, layer 2: 4 x 4 positions in each of 3 shots, half of them kept.
    assert read_safetensors(task.outputs["head"])[0]["bank"].shape == (24, 128 + 256)


def test_a_changed_shot_is_refused(make, tmp_path):
    task = make(PATCHCORE)
    cv2.imwrite(str(tmp_path / "1.png"), np.zeros((40, 40, 3), np.uint8))
    with pytest.raises(MedadError, match=r"1\.png: changed"):
        run(task)


def test_a_detector_that_reads_images_trains_on_the_shots(make):
    one, other = (make(GANOMALY, "ganomaly", r) for r in range(2))
    # It has no trunk, so its inputs have none.
    reports = []
    one = replace(
        one, inputs={"shots": one.inputs["shots"]}, report=lambda *given: reports.append(given)
    )
    for task in (one, other):
        task.scratch.mkdir(exist_ok=True)
        run(task)
    state, metadata = read_safetensors(one.outputs["head"])
    assert metadata == {"implementation": GANOMALY["implementation"]}
    assert len(state["history/contextual"]) == 3
    assert list(one.seeds) == ["training"]
    assert reports[0] == (0, 3, "ganomaly")
    assert reports[-1] == (3, 3, "ganomaly")
    assert one.outputs["head"].read_bytes() != other.outputs["head"].read_bytes()
    content = one.outputs["head"].read_bytes()
    twin = replace(make(GANOMALY, "twin"), inputs=one.inputs)
    for task in (one, twin):  # again, and under another name
        run(task)
    assert twin.outputs["head"].read_bytes() == content
    assert one.outputs["head"].read_bytes() == content
