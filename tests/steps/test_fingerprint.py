"""Attempts at the same result have one fingerprint; all others differ."""

from dataclasses import replace
from pathlib import Path

import pytest

from medad.steps.fingerprint import fingerprint
from medad.task import Task


@pytest.fixture
def task(tmp_path):
    (tmp_path / "shots.csv").write_text("rank\n")
    return Task(
        kind="head",
        identity={"dataset": "d", "k": 2, "r": 0},
        params={"seed": 0, "epochs": 3},
        inputs={"shots": tmp_path / "shots.csv"},
        outputs={},
        scratch=Path("a"),
        cache=Path("a"),
        live=Path("a"),
    )


def test_places_and_memory_do_not_count(task):
    elsewhere = replace(task, scratch=Path("b"), cache=Path("b"), live=Path("b"), memory=1)
    assert fingerprint(task) == fingerprint(elsewhere)


@pytest.mark.parametrize(
    "change",
    [
        {"identity": {"dataset": "d", "k": 2, "r": 1}},
        {"params": {"seed": 1, "epochs": 3}},
        {"threads": 2},
        {"device": "cuda"},
    ],
)
def test_what_decides_the_result_counts(task, change):
    assert fingerprint(task) != fingerprint(replace(task, **change))


def test_the_content_of_inputs_counts(task):
    before = fingerprint(task)
    task.inputs["shots"].write_text("rank\n0\n")
    assert fingerprint(task) != before
