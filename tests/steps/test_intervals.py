"""The intervals step from score and shot files to one JSON file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from medad.files import read_json, write_csv, write_parquet
from medad.steps import intervals
from medad.task import Task


def _task(folder: Path, split: str = "grouped", name: str = "out") -> Task:
    """Two methods, K = 2 and 4, two draws; consult adds a constant to every anomalous score."""
    rng = np.random.default_rng(0)
    rows = 40
    label = np.repeat([0, 1], rows // 2)
    difficulty = rng.normal(size=rows) + label
    inputs: dict[str, Path] = {}
    for k in (2, 4):
        for r in range(2):
            shots = folder / f"shots-{k}-{r}.csv"
            write_csv(shots, ["rank", "path", "sha256", "group"], [{"rank": 0, "group": 39}])
            inputs[f"shots/k{k}/r{r}"] = shots
            noise = rng.normal(size=rows) / 4
            for m, method in enumerate(("patchcore", "consult")):
                path = folder / f"{method}-{k}-{r}.parquet"
                columns = {
                    "path": [f"{row}.png" for row in range(rows)] + ["v.png"],
                    "sha256": ["0"] * (rows + 1),
                    "label": [*label.tolist(), 0],
                    "group": [*range(rows), 77],
                    "role": ["test"] * rows + ["validation"],
                    "score": [*(difficulty + noise + m * label).tolist(), 1e9],
                }
                write_parquet(path, columns)
                inputs[f"scores/{method}/k{k}/r{r}"] = path
    return Task(
        kind="intervals",
        identity={"table": "table1", "dataset": "phantom", "split": split},
        params={
            "seed": 0,
            "resamples": 200,
            "confidence": 0.95,
            "baseline": "patchcore",
            "methods": ["patchcore", "consult"],
            "shots": [2, 4],
            "draws": [0, 1],
        },
        inputs=inputs,
        outputs={"intervals": folder / f"{name}.json"},
        scratch=folder,
        cache=folder,
        live=folder / "live",
    )


def test_a_better_method_is_found_better(tmp_path: Path) -> None:
    task = _task(tmp_path)
    intervals.run(task)
    found = read_json(task.outputs["intervals"])
    assert found["differences"]["consult"]["all"]["low"] > 0
    assert set(found["levels"]["consult"]) == {"2", "4", "all"}
    # The image in the shots' group is left out, the validation image never was in.
    assert found["levels"]["consult"]["2"]["auroc"] != found["levels"]["consult"]["2"]["value"]
    assert found["groups"] == {"healthy": 20, "anomalous": 20}
    assert list(task.seeds) == ["bootstrap"]


def test_bytes_depend_on_content_alone(tmp_path: Path) -> None:
    first, second = _task(tmp_path, name="a"), _task(tmp_path, name="b")
    other = _task(tmp_path, split="paper", name="c")
    for task in (first, second, other):
        intervals.run(task)
    content = [task.outputs["intervals"].read_bytes() for task in (first, second, other)]
    assert content[0] == content[1] != content[2]


def test_levels_do_not_depend_on_the_resamples(tmp_path: Path) -> None:
    first, other = _task(tmp_path, name="a"), _task(tmp_path, split="paper", name="b")
    values = []
    for task in (first, other):
        intervals.run(task)
        values.append(read_json(task.outputs["intervals"])["levels"]["consult"]["4"])
    assert values[0]["auroc"] == pytest.approx(values[1]["auroc"])
    assert values[0]["low"] != values[1]["low"]
