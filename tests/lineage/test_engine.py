from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from project import Project
from snakemake.io import is_flagged

from medad.config.load import load
from medad.errors import MedadError
from medad.files import read_json, write_json
from medad.lineage import engine, manifest
from medad.lineage.current import CHANGED, Current
from medad.plan import Plan

ROOT = Path(__file__).resolve().parents[2]
WILDCARDS: Any = SimpleNamespace(
    items=lambda: {"dataset": "phantom", "split": "grouped", "method": "padim", "k": "2"}.items()
)


def needs(root: Path, *targets: str) -> dict[str, Any]:
    current = Current(Plan(root, load(root)), {}, CHANGED)
    runs = engine.part_of_run(current, workflow(targets))
    return engine.needs(current, runs, "score")(WILDCARDS)


def workflow(targets: Sequence[str], **forced: Any) -> Any:
    settings = {"forceall": False, "forcetargets": False, "forcerun": set(), "until": set()}
    found = {"targets": set(targets), "omit_from": set(), **settings, **forced}
    return SimpleNamespace(dag_settings=SimpleNamespace(**found))


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
    assert needs(project.root, f"./{maps}") == before
    current = Current(Plan(project.root, load(project.root)), {}, CHANGED)
    forced = engine.part_of_run(current, workflow(["all"], forcerun={"score"}))
    assert engine.needs(current, forced, "score")(WILDCARDS) == before


@pytest.mark.engine
def test_a_run_that_leaves_jobs_to_do_says_so(copy: Any) -> None:
    """A head that came to other bytes: its scores rest on the old ones."""
    project: Project = copy()
    current = Current(Plan(project.root, load(project.root)), {}, CHANGED)
    engine.require_settled(current, workflow([]).dag_settings)
    path = project.root / "results/heads/phantom/grouped/padim/k4/r0.manifest.json"
    found = read_json(path)
    found["outputs"]["head"]["sha256"] = "0" * 64
    write_json(path, manifest.seal(found))
    with pytest.raises(MedadError, match=r"other bytes than before, so .*score.* must be too"):
        engine.require_settled(current, workflow([]).dag_settings)
    engine.require_settled(current, workflow([], until={"head"}).dag_settings)
