"""Step: draw the K shots of one replicate."""

from __future__ import annotations

import numpy as np

from medad.data.sampling import draw, shot_order
from medad.files import read_parquet, write_csv
from medad.task import Task


def run(task: Task) -> None:
    """Write ``shots``: rank, path, sha256 and group of K healthy images.

    The seed does not depend on K, so that smaller draws are prefixes of larger ones. The
    ``grouped`` split gives at most one image per leakage group.
    """
    split = read_parquet(task.inputs["split"])
    generator = np.random.default_rng(task.seed("shots", "dataset", "split", "r"))
    policy = task.params.get("policy", task.identity["split"])
    order = shot_order(split["pool"], split["group"], generator, one_per_group=policy == "grouped")
    rows = [
        {"rank": rank, **{name: split[name][index] for name in ("path", "sha256", "group")}}
        for rank, index in enumerate(draw(order, int(task.identity["k"])))
    ]
    write_csv(task.outputs["shots"], ["rank", "path", "sha256", "group"], rows)
