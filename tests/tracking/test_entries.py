from __future__ import annotations

import json
from pathlib import Path

import pytest
from project import Project

from medad.files import read_csv, sha256, write_json
from medad.lineage import manifest
from medad.tracking import entries

RUN = {"dataset": "phantom", "split": "grouped", "method": "padim", "k": 4, "r": 0}


def test_a_run_is_named_as_its_path() -> None:
    assert entries.run_name(dict(reversed(RUN.items()))) == "phantom/grouped/padim/k4/r0"
    path = "results/metrics/phantom/grouped/padim/k4/r0.manifest.json"
    assert entries.run_of(path) == "phantom/grouped/padim/k4/r0"


def test_parameters_are_flat_text() -> None:
    nested = {"a": {"b": 1, "c": {"d": [1, 2]}}, "e": None}
    assert entries.flat(nested) == {"a.b": "1", "a.c.d": "[1, 2]", "e": "None"}


def test_a_torn_last_line_and_what_is_no_number_are_left_out(tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    lines = [
        {"step": 0, "time": 3, "loss": 1, "on": True, "by": {"a": 0.5}},
        {"step": 1, "loss": 2},
    ]
    file.write_text("".join(json.dumps(line) + "\n" for line in lines) + '{"step": 2, "loss"')
    assert list(entries.points(file)) == [("loss", 0, 1.0), ("by.a", 0, 0.5), ("loss", 1, 2.0)]


def test_the_first_computation_says_when_and_from_which_commit(tmp_path: Path) -> None:
    key = "ab" * 32

    def attempt(name: str, action: str, started: float, commit: str | None) -> None:
        value = {"action": action, "started": started, "repository": {"commit": commit}}
        path = tmp_path / "results/records" / key[:2] / key / f"{name}.json"
        write_json(path, manifest.seal(value))

    assert entries.origin(tmp_path, key) == (0, {})
    attempt("1", "restored", 1.0, "restored")
    assert entries.origin(tmp_path, key) == (0, {})
    attempt("2", "computed", 7.5, "later")
    attempt("3", "computed", 2.5, "first")
    assert entries.origin(tmp_path, key) == (2500, {"mlflow.source.git.commit": "first"})


@pytest.mark.engine
def test_a_step_names_its_files_and_the_images_it_saw(finished: Project) -> None:
    root = finished.root
    stem = "results/{}/phantom/grouped/consult/k4/r0"
    trained = entries.finished(root, stem.format("stage1") + ".manifest.json")
    judged = entries.finished(root, stem.format("metrics") + ".manifest.json")
    assert trained.tags["medad.audit"] == f"medad audit {stem.format('stage1')}.safetensors"
    assert judged.tags["medad.manifest"] == stem.format("metrics") + ".manifest.json"
    assert judged.tags["mlflow.source.git.commit"] == finished.git("rev-parse", "HEAD").strip()
    (shots,) = trained.inputs
    assert shots.digest == sha256(root / shots.source)
    assert dict(shots.counts) == {"healthy": len(read_csv(root / shots.source))}
    test, same = judged.inputs
    assert same == shots
    assert (test.context, test.digest) == (
        "test",
        sha256(root / "results/index/phantom/index.parquet"),
    )
    assert dict(test.counts) == {"healthy": 13, "anomalous": 8}
