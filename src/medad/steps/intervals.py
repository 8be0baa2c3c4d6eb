"""Step: intervals of all methods of a table on one dataset and split, resampled together."""

from __future__ import annotations

import numpy as np

from medad.evaluation.claims import claims
from medad.evaluation.intervals import Run, bootstrap
from medad.evaluation.scores import read_scores
from medad.files import read_csv, write_json
from medad.shot_counts import text
from medad.task import Task


def run(task: Task) -> None:
    """Write ``intervals``: see ``evaluation.claims``."""
    runs = {}
    for k in task.params["shots"]:
        for r in task.params["draws"]:
            shots = read_csv(task.inputs[f"shots/k{text(k)}/r{r}"])
            groups = frozenset(int(row["group"]) for row in shots)
            for method in task.params["methods"]:
                scores = read_scores(task.inputs[f"scores/{method}/k{text(k)}/r{r}"])
                runs[method, int(k), r] = Run(scores.take(scores.rows("test")), groups)
    rng = np.random.default_rng(task.seed("bootstrap", "dataset", "split"))
    found = bootstrap(runs, int(task.params["resamples"]), rng)
    write_json(
        task.outputs["intervals"],
        claims(found, str(task.params["baseline"]), float(task.params["confidence"])),
    )
