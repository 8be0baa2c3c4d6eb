"""Step: fit a detector to the K shots of a draw."""

from __future__ import annotations

import numpy as np

from medad.backbones.checkpoint import load
from medad.backbones.feature_cache import extract
from medad.detectors.scores import Detector
from medad.files import read_csv, write_safetensors
from medad.resolve import attribute
from medad.room import Room
from medad.task import Task


def run(task: Task) -> None:
    """Write ``head``: what the detector learned.

    The draw of the head (a first patch, some channels) does not depend on the method, so methods
    with the same detector differ by their trunk alone.
    """
    params = task.params
    detector: Detector = attribute(params["implementation"]).of(params, task.device)
    shots = [(row["path"], row["sha256"]) for row in read_csv(task.inputs["shots"])]
    trunk = load(task.inputs["weights"])
    root, side = task.locations["images"], int(params["side"])
    room = Room(task.memory, task.scratch)
    pyramid = extract(trunk, root, shots, side, detector.layers, task.device, room)
    task.report(1, 2, "features")
    rng = np.random.default_rng(task.seed("head", "dataset", "split", "k", "r"))
    detector.fit(pyramid, rng, room)
    task.report(2, 2, "fitted")
    write_safetensors(
        task.outputs["head"], detector.state(), {"implementation": params["implementation"]}
    )
