"""Every training, killed with SIGKILL within an epoch, ends with the same bytes."""

import hashlib
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
import yaml

from medad.backbones import checkpoint
from medad.backbones.resnet import build
from medad.backbones.spec import TrunkSpec
from medad.detectors import training as detector_training
from medad.files import write_csv, write_npz
from medad.pretraining import loop
from medad.registry import IMAGE_DETECTORS, STAGE1, TAUGHT_DETECTORS
from medad.steps import head, stage1
from medad.task import Task

SIDE = 64
PARAMS = yaml.safe_load((Path(__file__).parents[2] / "params.yaml").read_text())
# Long enough that progress has been saved before the kill, as small as can be otherwise.
SMALL = {
    "consult": {"epochs": 12, "healthy": 1, "anomalous": 1},
    "classification": {"epochs": 12, "steps_per_epoch": 1, "batch": 2},
    "segmentation": {"epochs": 12, "steps_per_epoch": 1, "batch": 2},
    "fanogan": {"resolution": 32, "latent": 6, "epochs": 40, "encoder_epochs": 40},
    "ganomaly": {"resolution": 16, "latent": 6, "features": 4, "epochs": 40},
    "efficientad": {"width": 0.1, "channels": 8, "distil_steps": 30, "steps": 30},
    "patch_svdd": {"width": 0.1, "channels": 8, "epochs": 40, "repeats": 1},
    "stpm": {"epochs": 40},
    "rdad": {"epochs": 12},
}


def images(count):
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (count, SIDE, SIDE, 3), dtype=np.uint8)


def task_of(folder, name):
    """The step that trains ``name`` on made-up images."""
    weights = folder / "weights.safetensors"
    if not weights.exists():
        start = build(TrunkSpec("resnet18", depth=3), torch.Generator().manual_seed(0))
        checkpoint.save(weights, start, {})
        masks = np.zeros((3, SIDE, SIDE), np.uint8)
        masks[:, 8:30, 8:30] = 1
        arrays = {"originals": images(2), "healthy": images(3), "anomalous": images(3)}
        base = {"healthy_base": np.zeros(3, np.int64), "anomalous_base": np.zeros(3, np.int64)}
        write_npz(folder / "pairs.npz", {**arrays, "masks": masks, **base})
        rows = []
        for rank, pixels in enumerate(images(2)):
            cv2.imwrite(str(folder / f"{rank}.png"), pixels)
            digest = hashlib.sha256((folder / f"{rank}.png").read_bytes()).hexdigest()
            rows.append({"rank": rank, "path": f"{rank}.png", "sha256": digest, "group": rank})
        write_csv(folder / "shots.csv", ["rank", "path", "sha256", "group"], rows)
    tuned = name in STAGE1
    section = PARAMS["stage1" if tuned else "detectors"][name]
    inputs = {"pairs": folder / "pairs.npz"} if tuned else {"shots": folder / "shots.csv"}
    if tuned or name == "efficientad" or name in TAUGHT_DETECTORS:
        inputs["weights"] = weights
    outputs = ("weights", "events") if tuned else ("head",)
    return Task(
        kind="stage1" if tuned else "head",
        identity={"dataset": "d", "split": "s", "method": name, "k": 2, "r": 0},
        params={
            **section,
            **SMALL[name],
            "seed": 0,
            "side": SIDE,
            "reads": "images",
            "backbone": {
                "name": "resnet18",
                "weights": "random",
                "normalisation": "imagenet",
            },
            "implementation": (STAGE1 if tuned else IMAGE_DETECTORS)[name],
        },
        inputs=inputs,
        outputs={output: folder / f"{name}.{output}" for output in outputs},
        scratch=folder / f"{name}.scratch",
        cache=folder,
        live=folder / "live.jsonl",
        locations={"images": folder},
    )


def run(task):
    torch.set_num_threads(1)
    (stage1 if task.kind == "stage1" else head).run(task)


def again(task):
    """The same step with other places to write."""
    outputs = {key: path.with_name(f"{path.name}.again") for key, path in task.outputs.items()}
    return replace(
        task, outputs=outputs, scratch=task.scratch.with_name(f"{task.scratch.name}.again")
    )


def run_and_die(task):
    """Save after every step that the cost of saving allows; die after most of the work."""
    loop.run.__defaults__ = (0.0,)
    detector_training.run.__defaults__ = (0.0,)

    def report(done, total, text):
        if done >= 0.8 * total and any(task.scratch.iterdir()):
            os.kill(os.getpid(), signal.SIGKILL)

    run(replace(task, report=report))


@pytest.mark.parametrize("name", sorted(STAGE1 | IMAGE_DETECTORS))
def test_a_killed_training_ends_with_the_same_bytes(name, tmp_path):
    before = torch.get_num_threads()
    whole = task_of(tmp_path, name)
    killed = again(whole)
    whole.scratch.mkdir()
    killed.scratch.mkdir()
    done = subprocess.run([sys.executable, __file__, str(tmp_path), name])
    assert done.returncode == -signal.SIGKILL
    assert any(killed.scratch.iterdir())
    run(whole)
    run(killed)
    torch.set_num_threads(before)
    for key, path in whole.outputs.items():
        assert path.read_bytes() == killed.outputs[key].read_bytes(), key


if __name__ == "__main__":
    run_and_die(again(task_of(Path(sys.argv[1]), sys.argv[2])))
