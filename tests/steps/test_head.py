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
}
PADIM = {
    "implementation": "medad.detectors.padim:Padim",
    "layers": [1, 2],
    "dimensions": 10,
    "regularisation": 0.01,
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
