from __future__ import annotations

from pathlib import Path

from medad.seeds import derive
from medad.task import Task


def test_a_task_seeds_by_the_named_fields_and_remembers() -> None:
    here = Path()
    identity = {"dataset": "phantom", "split": "grouped", "k": 4, "r": 1}
    task = Task("shots", identity, {"seed": 5}, {}, {}, here, here, here)
    drawn = task.seed("permutation", "dataset", "split", "r")
    assert drawn == derive(5, {"dataset": "phantom", "split": "grouped", "r": 1}, "permutation")
    assert task.seed("all") == derive(5, identity, "all")
    assert task.seeds == {"permutation": drawn, "all": task.seed("all")}
    task.report(1, 2, "nobody listens")
