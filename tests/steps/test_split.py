from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from medad.errors import MedadError
from medad.files import read_json, read_parquet, write_parquet
from medad.steps import split
from medad.task import Task


def run(tmp_path: Path, policy: str, seed: int = 0, **options: Any) -> Task:
    labels = [0] * 20 + [1] * 6
    groups = [0, 0, 0, *range(1, 18), *range(20, 26)]
    index = {
        "path": [f"{number:02}" for number in range(26)],
        "sha256": [f"hash {number}" for number in range(26)],
        "label": labels,
        "part": ["train"] * 15 + ["test"] * 5 + ["train"] * 4 + ["test"] * 2,
        "group": groups,
        "size": [1] * 26,
    }
    write_parquet(tmp_path / "index.parquet", index)
    task = Task(
        kind="split",
        identity={"dataset": "toy", "split": policy},
        params={"seed": seed, "policy": policy, **options},
        inputs={"index": tmp_path / "index.parquet"},
        outputs={"split": tmp_path / "split.parquet", "leakage": tmp_path / "leakage.json"},
        scratch=tmp_path,
        cache=tmp_path,
        live=tmp_path / "live",
    )
    split.run(task)
    return task


def test_columns_keep_the_order_of_the_index(tmp_path):
    columns = read_parquet(run(tmp_path, "grouped", pool=0.3, validation=0.15).outputs["split"])
    assert list(columns) == ["path", "sha256", "label", "group", "pool", "validation", "test"]
    assert columns["path"] == [f"{number:02}" for number in range(26)]
    assert columns["sha256"][3] == "hash 3"


def test_grouped_does_not_leak_and_says_so(tmp_path):
    task = run(tmp_path, "grouped", pool=0.3, validation=0.15)
    report = read_json(task.outputs["leakage"])
    assert report["policy"] == "grouped"
    assert report["across"] == {"pool/validation": 0, "pool/test": 0, "validation/test": 0}
    assert [report["sizes"][role]["groups"] for role in ("pool", "validation")] == [5, 3]
    assert report["repeated"] == [{"group": 0, "paths": ["00", "01", "02"]}]


def test_paper_leaks_and_says_so(tmp_path):
    report = read_json(run(tmp_path, "paper").outputs["leakage"])
    assert report["across"]["pool/test"] == 1
    assert report["sizes"]["pool"]["images"] == 20
    assert report["sizes"]["test"]["images"] == 26


def test_adfa_takes_its_numbers(tmp_path):
    report = read_json(run(tmp_path, "adfa", pool=11, test=8).outputs["leakage"])
    assert report["sizes"]["pool"]["images"] == 11
    assert report["sizes"]["test"]["healthy"] == 8
    assert report["unused"] == 1


def test_adfa_reads_the_published_parts(tmp_path):
    numbers = {"pool": 15, "test": 5, "anomalous": 2, "files": "parts"}
    task = run(tmp_path, "adfa", **numbers)
    columns = read_parquet(task.outputs["split"])
    assert columns["pool"] == [True] * 15 + [False] * 11
    assert columns["test"] == [False] * 15 + [True] * 5 + [False] * 4 + [True] * 2
    assert read_json(task.outputs["leakage"])["unused"] == 4


def test_same_seed_same_bytes(tmp_path):
    contents = []
    for seed in (0, 0, 1):
        task = run(tmp_path, "grouped", seed, pool=0.3, validation=0.15)
        contents.append([path.read_bytes() for path in task.outputs.values()])
        assert list(task.seeds) == ["split"]
    assert contents[0] == contents[1]
    assert contents[0] != contents[2]


def test_unknown_policy_is_an_error(tmp_path):
    with pytest.raises(MedadError, match="'mvtec'; allowed: adfa, grouped, paper"):
        run(tmp_path, "mvtec")
