"""Step ``pairs``: the synthetic pool of one draw and a picture of it."""

from __future__ import annotations

import numpy as np

from medad.data.images import load_square
from medad.files import read_csv, write_npz
from medad.synthesis.contact_sheet import write_contact_sheet
from medad.synthesis.pairs import build_pairs
from medad.synthesis.parameters import ConsultSynthesis
from medad.task import Task


def run(task: Task) -> None:
    """Read the shots, check their hashes, build the pool; write ``pairs`` and ``sheet``."""
    root, side = task.locations["images"], int(task.params["side"])
    rows = read_csv(task.inputs["shots"])
    images = [load_square(root, row["path"], row["sha256"], side) for row in rows]
    shots = np.stack(images) if images else np.empty((0, side, side, 3), np.uint8)
    pairs = build_pairs(
        shots,
        ConsultSynthesis.of(task.params),
        np.random.default_rng(task.seed("pairs")),
        lambda done, total: task.report(done, total, "images"),
    )
    write_npz(task.outputs["pairs"], pairs.arrays())
    write_contact_sheet(task.outputs["sheet"], pairs)
