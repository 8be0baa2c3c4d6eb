"""Step ``pairs``: the pool that stage 1 of one draw trains on, and a picture of it."""

from __future__ import annotations

import numpy as np

from medad.data.images import load_square
from medad.files import read_csv, write_npz
from medad.resolve import attribute
from medad.synthesis.contact_sheet import write_contact_sheet
from medad.synthesis.material import Material
from medad.task import Task


def run(task: Task) -> None:
    """Read the shots, check their hashes, build the pool by ``params["implementation"]``.

    Writes ``pairs`` and ``sheet``.
    """
    root, side = task.locations["images"], int(task.params["side"])
    rows = read_csv(task.inputs["shots"])
    images = [load_square(root, row["path"], row["sha256"], side) for row in rows]
    material = Material(
        shots=np.stack(images) if images else np.empty((0, side, side, 3), np.uint8),
        names=tuple(row["path"] for row in rows),
        files=task.inputs,
        root=root,
        side=side,
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
