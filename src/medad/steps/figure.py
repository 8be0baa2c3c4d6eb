"""Step: heat maps of hits, misses and false alarms of a method beside its baseline."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from medad.data.images import load_square
from medad.errors import MedadError
from medad.evaluation.localisation import upsample
from medad.evaluation.masks import mask_files, square_mask
from medad.evaluation.scores import Scores, read_scores
from medad.files import read_npz, write_bytes
from medad.reporting.figure import Block, Panel, choose, draw, percentile_ranks
from medad.task import Task

EACH = 4  # images under each heading
BRIGHTEST = 0.999  # quantile of the test pixels shown in the brightest colour


def run(task: Task) -> None:
    """Write ``figure``. The last of ``params["methods"]`` chooses the images, the first is its
    baseline; colours span the test pixels of each method, so panels of a row compare."""
    side, smoothing = int(task.params["side"]), float(task.params["smoothing"])
    names = [str(name) for name in task.params["methods"]]
    tests: list[Scores] = []
    maps: list[NDArray[np.float32]] = []
    for name in names:
        test, found = _scored(task.inputs[f"scores/{name}"], task.inputs[f"maps/{name}"])
        if tests and not np.array_equal(test.path, tests[0].path):
            raise MedadError(f"figure: {name} and {names[0]} scored different test images")
        tests.append(test)
        maps.append(upsample(found, side, smoothing))
    ranks = [percentile_ranks(test.score) for test in tests]
    files = mask_files(task.inputs["index"])

    def panel(row: int) -> Panel:
        path, digest = str(tests[0].path[row]), str(tests[0].sha256[row])
        return Panel(
            image=load_square(task.locations["images"], path, digest, side),
            mask=square_mask(task.locations["images"], files, path, side),
            maps=tuple(found[row] for found in maps),
            scores=tuple(float(test.score[row]) for test in tests),
            ranks=tuple(float(rank[row]) for rank in ranks),
        )

    chosen = choose(tests[-1].label, tests[-1].group, tests[-1].score, EACH)
    headings = {
        "hits": "hits: anomalous, highest scores",
        "misses": "misses: anomalous, lowest scores",
        "false alarms": "false alarms: healthy, highest scores",
    }
    blocks = [
        Block(headings[kind], tuple(panel(row) for row in rows)) for kind, rows in chosen.items()
    ]
    limits = [(float(found.min()), float(np.quantile(found, BRIGHTEST))) for found in maps]
    title = (
        f"{task.identity['dataset']}, split {task.identity['split']}, K = {task.params['k']}: "
        f"images chosen by {names[-1]}"
    )
    write_bytes(task.outputs["figure"], draw(title, names, limits, blocks))


def _scored(scores: Path, maps: Path) -> tuple[Scores, NDArray[np.float16]]:
    """Test images of a run and their patch-grid maps."""
    found, grids = read_scores(scores), read_npz(maps)["maps"]
    if len(grids) != len(found):
        raise MedadError(f"{maps}: {len(grids)} maps for {len(found)} scores; score again")
    rows = found.rows("test")
    return found.take(rows), grids[rows]
