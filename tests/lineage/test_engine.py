from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from project import Project
from snakemake.io import is_flagged

from medad.config.load import load
from medad.lineage import engine
from medad.lineage.current import CHANGED, Current
from medad.plan import Plan

ROOT = Path(__file__).resolve().parents[2]
WILDCARDS: Any = SimpleNamespace(
    items=lambda: {"dataset": "phantom", "split": "grouped", "method": "padim", "k": "2"}.items()
)


def needs(root: Path, *targets: str) -> dict[str, Any]:
    current = Current(Plan(root, load(root)), {}, CHANGED)
    return engine.needs(current, lambda: current.jobs(targets), "score")(WILDCARDS)


def test_a_job_never_run_watches_the_file_that_is_newer_than_all() -> None:
    found = needs(ROOT, "all")
    assert found["key"] == ".prov/keys/score/phantom.padim.json"
    assert found["files"]
    assert found["tracked"]
    assert not any(is_flagged(path, "ancient") for path in found["tracked"])
    assert found["changed"] == [CHANGED]


@pytest.mark.engine
def test_a_finished_job_needs_what_is_here_and_all_of_it_when_it_has_to_run(copy: Any) -> None:
    project: Project = copy()
    before = needs(project.root, "all")
    assert before["changed"] == []
    head = "results/heads/phantom/grouped/padim/k2/r0.safetensors"
    maps = "results/scores/phantom/grouped/padim/k2/r0.maps.npz"
    assert head in before["files"]
    quiet = [before["key"], *before["files"], *before["tracked"]]
    assert all(is_flagged(path, "ancient") for path in quiet)
    for path in (head, maps):
        (project.root / path).unlink()
    less = {**before, "files": [path for path in before["files"] if path != head]}
    assert needs(project.root, "all") == less
    assert needs(project.root, maps) == before
