from __future__ import annotations

from collections.abc import Callable

import pytest
from project import Project

pytestmark = pytest.mark.engine
SCORES = "results/scores/phantom/grouped/consult/k2/r0.parquet"


def test_each_cause_is_named(copy: Callable[[], Project]) -> None:
    project = copy()
    for path in (project.root / "results/heads").rglob("*.safetensors"):
        path.unlink()  # what is missing above a result is no reason to make it again
    assert "it would not" in project.medad("why", SCORES).stdout
    change = "stage1={consult: {learning_rate: 0.5}}"
    said = project.medad("why", SCORES, "--config", change).stdout
    assert "params.learning_rate: 0.0001 -> 0.5" in said
    assert "results/stage1/phantom/grouped/consult/k2/r0.safetensors" in said
    project.edit("src/medad/losses/tritanh.py")
    assert "code.losses/tritanh.py" in project.medad("why", SCORES).stdout
    (project.root / SCORES).write_bytes(b"x")
    assert f"{SCORES}: changed since it was made" in project.medad("why", SCORES).stdout
    (project.root / SCORES).unlink()
    assert f"{SCORES}: missing" in project.medad("why", SCORES).stdout


def test_a_file_never_made_and_a_file_no_step_makes(finished: Project) -> None:
    never = "results/scores/phantom/grouped/consult/k99/r0.parquet"
    assert "it has never been made" in finished.medad("why", never).stdout
    done = finished.medad("why", "params.yaml", check=False)
    assert done.returncode == 2
    assert "not an artifact of medad" in done.stderr
