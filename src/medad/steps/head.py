"""Step: fit a detector to the K shots of a draw."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from medad.backbones.checkpoint import load
from medad.backbones.feature_cache import extract
from medad.data.frame import Frame, load_frame
from medad.detectors.images import ImageDetector
from medad.detectors.scores import Detector, TrainedDetector
from medad.detectors.training import Training
from medad.files import read_csv, write_safetensors
from medad.resolve import attribute
from medad.room import Room
from medad.steps.fingerprint import fingerprint
from medad.task import Task

_DRAW = ("dataset", "split", "k", "r")


def run(task: Task) -> None:
    """Write ``head``: what the detector learned.

    Neither the draw of the head (a first patch, some channels) nor the seed of its training depends
    on the method, so methods with the same detector differ by their trunk and parameters alone. A
    detector that trains networks keeps its progress in the scratch folder.
    """
    implementation = str(task.params["implementation"])
    state = _fitted(task) if task.params["reads"] == "features" else _trained(task)
    write_safetensors(task.outputs["head"], state, {"implementation": implementation})


def _fitted(task: Task) -> dict[str, Tensor]:
    made = attribute(task.params["implementation"]).of(task.params, task.device)
    shots = [(row["path"], row["sha256"]) for row in read_csv(task.inputs["shots"])]
    trunk = load(task.inputs["weights"])
    root, frame = task.locations["images"], Frame.of(task.params)
    room = Room(task.memory, task.scratch)
    pyramid = extract(trunk, root, shots, frame, made.layers, task.device, room)
    task.report(1, 2, "features")
    if task.params.get("trains"):
        trained: TrainedDetector = made
        trained.fit(pyramid, _training(task), room)
        return trained.state()
    detector: Detector = made
    rng = np.random.default_rng(task.seed("head", *_DRAW))
    detector.fit(pyramid, rng, room)
    task.report(2, 2, "fitted")
    return detector.state()


def _trained(task: Task) -> dict[str, Tensor]:
    detector: ImageDetector = attribute(task.params["implementation"]).of(task.params, task.device)
    root, frame = task.locations["images"], Frame.of(task.params)
    shots = [
        load_frame(root, row["path"], row["sha256"], frame)
        for row in read_csv(task.inputs["shots"])
    ]
    detector.fit(np.stack(shots), _training(task))
    return detector.state()


def _training(task: Task) -> Training:
    return Training(
        seed=task.seed("training", *_DRAW),
        folder=task.scratch,
        fingerprint=fingerprint(task),
        device=task.device,
        inputs={name: path for name, path in task.inputs.items() if name != "shots"},
        report=task.report,
    )
