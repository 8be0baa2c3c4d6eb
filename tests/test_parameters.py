from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from medad.config.load import load
from medad.errors import MedadError
from medad.plan import Plan

ROOT = Path(__file__).resolve().parents[1]


def plan(**overrides: Any) -> Plan:
    return Plan(ROOT, load(ROOT, overrides))


def test_a_method_override_reaches_that_method_alone() -> None:
    methods = {"padim": {"override": {"detector": {"dimensions": 7}}}}
    changed, shipped = plan(methods=methods).halves(), plan().halves()
    differing = {path for path in shipped if changed[path] != shipped[path]}
    assert differing == {f".prov/keys/{kind}/phantom.padim.json" for kind in ("head", "score")}
    with pytest.raises(MedadError, match=r"methods\.padim\.detector: dimension: unknown key"):
        plan(methods={"padim": {"override": {"detector": {"dimension": 7}}}}).halves()


def test_a_method_with_its_own_synthesis_gets_its_own_pairs() -> None:
    methods = {"consult": {"override": {"synthesis": {"shape": "hull"}}}}
    changed = plan(methods=methods)
    assert changed.parameters.synthesis_of("consult") == "consult-consult"
    half = changed.half("pairs", {"dataset": "phantom", "synthesis": "consult-consult"})
    assert half.params["shape"] == "hull"


def test_a_table_row_of_an_unknown_method_is_an_error() -> None:
    changed = plan()
    changed.parameters.tables["table1"]["rows"][3]["method"] = "moon"
    with pytest.raises(MedadError, match="method 'moon' is not in methods: patchcore"):
        changed.parameters.table_methods("table1")


def test_the_parameters_of_a_step_are_what_its_result_depends_on() -> None:
    asked = plan().parameters
    run = {"dataset": "phantom", "split": "grouped", "method": "padim", "k": 2, "r": 0}
    head, score = asked.of("head", run), asked.of("score", run)
    assert score == {**head, "maps": True}
    assert head["frozen"]
    assert not asked.of("head", {**run, "method": "consult"})["frozen"]
    assert "smoothing" in asked.of("metrics", run)
    assert asked.of("shots", run) == {"seed": 0}


def test_only_a_teacher_taught_by_the_backbone_depends_on_it() -> None:
    run = {"dataset": "phantom", "split": "grouped", "method": "efficientad", "k": 2, "r": 0}
    taught = plan().parameters.of("head", run)
    assert (taught["reads"], taught["backbone"]["name"]) == ("images", "resnet18")
    file = {"teacher": "file", "teacher_file": "t.pth", "teacher_sha256": "0" * 64}
    given = plan(detectors={"efficientad": file}).parameters.of("head", run)
    assert "backbone" not in given
    assert given["teacher_file"] == "t.pth"
