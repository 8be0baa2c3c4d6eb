from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from project import Project

from medad.config.load import load
from medad.lineage.current import CHANGED, Current
from medad.lineage.forecast import Expected, forecast
from medad.plan import Plan

pytestmark = pytest.mark.engine


def expected(root: Path) -> dict[tuple[str, str], Expected]:
    found = forecast(Current(Plan(root, load(root)), {}, CHANGED), ["all"])
    return {(entry.kind, entry.method): entry for entry in found}


def test_nothing_is_expected_of_a_finished_project(finished: Project) -> None:
    assert expected(finished.root) == {}
    assert finished.medad("plan").stdout == "nothing to be done\n"


def test_what_is_said_is_what_a_run_then_does(copy: Callable[[], Project]) -> None:
    """A new replicate: the draws that are there are restored, the new ones computed."""
    project = copy()
    project.change({"runs": {"replicates": 2}, "evaluation": {"resamples": 300}})
    said = expected(project.root)
    before = len(project.records())
    project.snakemake()
    done = project.actions(before)
    for (kind, method), entry in said.items():
        step = f"{kind}:{method}" if method else kind
        assert (entry.computed, entry.restored) == (
            done["computed", step],
            done["restored", step],
        ), step
    assert sum(done.values()) == sum(e.computed + e.restored for e in said.values())


def test_costs_are_those_of_the_past_and_unknown_before_there_is_one(
    copy: Callable[[], Project],
) -> None:
    project = copy()
    project.change({"stage1": {"consult": {"learning_rate": 0.5}}})
    stage1 = expected(project.root)["stage1", "consult"]
    walls = [r["wall_s"] for r in project.records() if r["kind"] == "stage1"]
    assert min(walls) <= stage1.seconds["cpu"] <= max(walls)
    size = (project.root / "results/stage1/phantom/grouped/consult/k2/r0.safetensors").stat()
    assert stage1.bytes is not None
    assert stage1.bytes >= size.st_size
    assert (stage1.memory_mib or 0) > 100
    fresh = project.fresh(project.root.parent / "fresh")
    unknown = expected(fresh.root)["stage1", "consult"]
    assert (unknown.seconds, unknown.memory_mib, unknown.bytes) == ({}, None, None)
    text = fresh.medad("plan", "--cores", "4").stdout
    assert "no record yet of: figure, head, index" in text
    asked = json.loads(fresh.medad("plan", "stage_data", "--json").stdout)
    assert [entry["kind"] for entry in asked] == ["weights", "phantom", "index", "split"]
