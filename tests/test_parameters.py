from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from medad.config.load import load
from medad.errors import MedadError
from medad.plan import Plan
from medad.resolve import attribute

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


def test_a_detector_that_reads_images_depends_on_no_backbone() -> None:
    def params(**overrides: Any) -> dict[str, Any]:
        run = {"dataset": "phantom", "split": "grouped", "method": "ganomaly", "k": 2, "r": 0}
        return plan(**overrides).parameters.of("head", run)

    shipped = params()
    assert (shipped["reads"], shipped["side"], shipped["epochs"]) == ("images", 128, 100)
    assert shipped == params(backbone={"name": "resnet50"})
    assert params(detectors={"ganomaly": {"epochs": 3}}) == {**shipped, "epochs": 3}
    with pytest.raises(MedadError, match="anomalib needs resolution 32"):
        params(detectors={"ganomaly": {"variant": "anomalib", "resolution": 16}})


def test_every_detectors_parameters_are_those_of_its_section() -> None:
    shipped = plan().parameters
    for method in ("fanogan", "ganomaly"):
        run = {"dataset": "phantom", "split": "grouped", "method": method, "k": 2, "r": 0}
        head = shipped.of("head", run)
        made = attribute(head["implementation"]).of(head)
        assert asdict(made.params).items() <= head.items()
        section = getattr(shipped.config.detectors, method).model_dump()
        assert asdict(made.params) == section
