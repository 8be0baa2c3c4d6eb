"""Step ``pairs``: the pool that stage 1 of one draw trains on, and a picture of it."""

from __future__ import annotations

import numpy as np

from medad.data.frame import Frame, load_frame
from medad.files import read_csv, write_npz
from medad.resolve import attribute
from medad.synthesis.contact_sheet import write_contact_sheet
from medad.synthesis.material import Material
from medad.task import Task


def run(task: Task) -> None:
    """Read the shots, check their hashes, build the pool by ``params["implementation"]``.

    Writes ``pairs`` and ``sheet``.
    """
    root, frame = task.locations["images"], Frame.of(task.params)
    rows = read_csv(task.inputs["shots"])
    images = [load_frame(root, row["path"], row["sha256"], frame) for row in rows]
    material = Material(
        shots=np.stack(images) if images else np.empty((0, frame.side, frame.side, 3), np.uint8),
        names=tuple(row["path"] for row in rows),
        files=task.inputs,
        root=root,
        frame=frame,
    )
    pairs = attribute(str(task.params["implementation"]))(
        material,
        task.params,
        np.random.default_rng(task.seed("pairs")),
        lambda done, total: task.report(done, total, "images"),
    )
    write_npz(task.outputs["pairs"], pairs.arrays())
    synthetic = task.params["source"] == "synthetic"
    write_contact_sheet(task.outputs["sheet"], pairs, synthetic=synthetic)
