from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from medad import layout, registry
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


def test_a_method_may_ask_for_pairs_of_its_own() -> None:
    study = plan(preset="brain_mri+seeds").parameters
    labels = [study.synthesis_of(f"consult_adapted{end}") for end in ("", "_b", "_c")]
    assert labels == ["consult", "consult-consult_adapted_b", "consult-consult_adapted_c"]
    draw = {"dataset": "brain_mri", "split": "grouped", "k": 2, "r": 5}
    first, second, third = (study.of("pairs", {**draw, "synthesis": label}) for label in labels)
    assert first == second == third  # the label, in the identity, makes another seed
    assert study.of("table", {"table": "seeds"})["repeats"] == {
        "consult_adapted": ["consult_adapted_b", "consult_adapted_c"]
    }
    with pytest.raises(MedadError, match="own_pairs: the method has no synthesis"):
        plan(methods={"padim": {"own_pairs": True}})


def test_a_table_row_of_an_unknown_method_is_an_error() -> None:
    changed = plan()
    changed.parameters.tables["table1"]["rows"][3]["method"] = "moon"
    with pytest.raises(MedadError, match="method 'moon' is not in methods: patchcore"):
        changed.parameters.table_methods("table1")


def test_the_parameters_of_a_step_are_what_its_result_depends_on() -> None:
    asked = plan().parameters
    run = {"dataset": "phantom", "split": "grouped", "method": "padim", "k": 2, "r": 0}
    head, score = asked.of("head", run), asked.of("score", run)
    assert score == {**head, "smooth": 4.0, "maps": True}  # which scoring alone reads
    assert head["frozen"]
    assert not asked.of("head", {**run, "method": "consult"})["frozen"]
    assert "smoothing" in asked.of("metrics", run)
    assert asked.of("shots", run) == {"seed": 0}


def test_methods_that_score_alone_sets_apart_share_their_heads() -> None:
    other = {"like": "padim", "override": {"detector": {"smooth": 0.0}}}
    fewer = {"like": "padim", "override": {"detector": {"dimensions": 50}}}
    apart = {"like": "consult", "override": {"detector": {"smooth": 1.0}}}
    asked = plan(methods={"rougher": other, "fewer": fewer, "own_stage1": apart}).parameters
    run = {"dataset": "phantom", "split": "grouped", "method": "rougher", "k": 2, "r": 0}
    assert asked.of("head", run) == asked.of("head", {**run, "method": "padim"})
    assert asked.of("score", run)["smooth"] == 0.0
    assert asked.of("score", run)["head"] == "padim"
    assert "head" not in asked.of("score", {**run, "method": "padim"})
    heads = asked.heads("phantom")
    assert heads["fewer"] == "fewer"
    assert heads["own_stage1"] == "own_stage1"
    assert heads["adfa_average_score"] == heads["adfa_hard_score"] == "adfa"
    assert heads["adfa_code_divergence"] == "adfa_code" != heads["adfa_code_no_divergence"]


def test_heads_are_shared_where_the_pixels_are_the_same() -> None:
    asked = plan(backbone={"weights": "imagenet"}).parameters
    found = {name: asked.heads(name)["adfa_code_imagenet"] for name in ("brain_mri", "covid_xray")}
    assert found == {"brain_mri": "adfa_code_imagenet", "covid_xray": "adfa_code"}


def test_pixels_are_normalised_by_method_and_data_set() -> None:
    asked = plan().parameters
    runs = [{"dataset": d, "method": "adfa_code"} for d in ("busi", "sipakmed")]
    half, others = (asked.of("head", run) for run in runs)
    assert half["backbone"]["normalisation"] == "half"
    assert others["backbone"]["normalisation"] == "imagenet"
    whole = plan(backbone={"normalisation": "half"}).parameters
    assert whole.of("head", runs[1])["backbone"]["normalisation"] == "half"
    run = {"dataset": "busi", "method": "adfa_code_imagenet"}
    assert whole.of("head", run)["backbone"]["normalisation"] == "imagenet"
    weights = asked.of("weights", {"backbone": "resnet18", "weights": "random-half"})
    assert (weights["weights"], weights["normalisation"]) == ("random", "half")


def test_a_head_of_other_weights_is_not_shared() -> None:
    asked = plan(backbone={"weights": "imagenet"}).parameters
    assert asked.heads("phantom")["adfa_random"] == "adfa_random"
    ours = plan(backbone={"weights": "random"}).parameters
    assert ours.heads("phantom")["adfa_random"] == "adfa"


def test_a_method_may_have_another_backbone() -> None:
    asked = plan().parameters
    run = {"dataset": "phantom", "split": "grouped", "method": "r50_leaky", "k": 2, "r": 0}
    given = {"name": "resnet50", "weights": "random", "normalisation": "imagenet"}
    assert asked.of("stage1", run)["backbone"] == given
    weights = asked.of("weights", {"backbone": "resnet50", "weights": "random"})
    assert weights == {
        "seed": 0,
        "name": "resnet50",
        "weights": "random",
        "file": None,
        "sha256": None,
        "normalisation": "imagenet",
    }


def test_a_method_whose_weights_are_not_there_is_left_out_with_the_reason() -> None:
    pinned = {"file": "w.safetensors", "sha256": "a" * 64}
    without = plan(backbone={"weights": "file", **pinned})
    methods = without.parameters.table_methods("table4")
    assert "r18_leaky" in methods
    assert "r50_leaky" not in methods
    params = without.parameters.of("table", {"table": "table4"})
    assert params["obstacles"]["r50_leaky"] == (
        "no weights of resnet50: give their file in backbone.others"
    )
    assert not any("r50" in path for path in without.halves())
    other = {"file": "v.safetensors", "sha256": "b" * 64}
    having = plan(backbone={"weights": "file", **pinned, "others": {"resnet50": other}})
    assert "r50_leaky" in having.parameters.table_methods("table4")
    weights = having.parameters.of("weights", {"backbone": "resnet50", "weights": "file"})
    assert (weights["file"], weights["sha256"]) == ("v.safetensors", "b" * 64)


def test_only_the_tables_asked_for_are_made() -> None:
    shipped, more = plan(), plan(runs={"tables": ["table1", "table3"]})
    tables = {path for path in more.target("all") if path.startswith("results/tables/")}
    assert "results/tables/table3.csv" in tables
    assert not any("table3" in path for path in shipped.target("all"))
    trained = more.target("stage_pretraining")
    assert any("/loss_anchor/" in path for path in trained)
    assert not any("/loss_anchor/" in path for path in shipped.target("stage_pretraining"))
    # A table that is not asked for by name alone can be made by its name.
    assert ".prov/keys/table/table4.json" in shipped.halves()
    with pytest.raises(MedadError, match=r"runs\.tables: got 'table9'"):
        plan(runs={"tables": ["table9"]}).target("all")


def test_a_table_whose_methods_a_preset_has_is_there_with_that_preset() -> None:
    assert "reading" not in plan().parameters.tables
    study = plan(preset="brain_mri+reading_study").parameters
    assert study.wanted_tables() == ["reading"]
    assert len(study.table_methods("reading")) == 16
    assert "preset" not in study.of("table", {"table": "reading"})
    assert {"reading", "confirmation"} & study.tables.keys() == {"reading"}
    assert "table1" in study.tables
    confirmation = plan(preset="confirmation").parameters
    assert confirmation.wanted_tables() == ["confirmation"]
    assert "brain_mri" not in confirmation.config.runs.datasets


def test_draws_may_start_at_a_later_one() -> None:
    fresh = plan(runs={"first": 5, "replicates": 2})
    run = {"dataset": "phantom", "split": "grouped", "method": "padim"}
    assert {step["r"] for step in fresh.targets("head", run)} == {5, 6}
    intervals = {"table": "table1", "dataset": "phantom", "split": "grouped"}
    assert fresh.parameters.of("intervals", intervals)["draws"] == [5, 6]
    paths = fresh.needs("table", {"table": "table1"})[1]
    assert any(path.endswith("r6.json") for path in paths)
    assert not any(path.endswith("r0.json") for path in paths)


def test_a_method_trains_by_the_stage1_and_on_the_pairs_that_it_names() -> None:
    asked = plan(stage1={"segmentation": {"epochs": 7}}).parameters
    draw = {"dataset": "phantom", "split": "grouped", "k": 2, "r": 0}
    trained = asked.of("stage1", {**draw, "method": "seg_leaky"})
    assert trained["implementation"] == "medad.pretraining.segmentation:train"
    assert (trained["epochs"], trained["synthesis"]) == (7, "test_images")
    drop = asked.of("pairs", {**draw, "synthesis": "test_images"})
    keep = asked.of("pairs", {**draw, "synthesis": asked.synthesis_of("cls_leaky")})
    assert drop == {**keep, "unmasked": "drop"}
    assert drop == {
        "seed": 0,
        "side": 128,
        "implementation": "medad.synthesis.test_images:build",
        "source": "test",
        "unmasked": "drop",
    }
    for method in ("cls", "seg", "consult"):
        synthetic = asked.of("pairs", {**draw, "synthesis": asked.synthesis_of(method)})
        assert synthetic["implementation"] == "medad.synthesis.consult:build"
        assert synthetic["source"] == "synthetic"


def test_whoever_trains_on_test_images_says_so() -> None:
    for name, method in plan().config.methods.items():
        assert (method.standing == "leaky") == (method.synthesis in registry.LEAKY_SYNTHESES), name


def test_a_detector_that_reads_images_depends_on_no_backbone() -> None:
    def params(**overrides: Any) -> dict[str, Any]:
        run = {"dataset": "phantom", "split": "grouped", "method": "ganomaly", "k": 2, "r": 0}
        return plan(**overrides).parameters.of("head", run)

    shipped = params()
    assert (shipped["reads"], shipped["side"], shipped["epochs"]) == ("images", 128, 40)
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


def test_only_a_teacher_taught_by_the_backbone_depends_on_it() -> None:
    run = {"dataset": "phantom", "split": "grouped", "method": "efficientad", "k": 2, "r": 0}
    taught = plan().parameters.of("head", run)
    assert (taught["reads"], taught["backbone"]["name"]) == ("images", "resnet18")
    file = {"teacher": "file", "teacher_file": "t.pth", "teacher_sha256": "0" * 64}
    given = plan(detectors={"efficientad": file}).parameters.of("head", run)
    assert "backbone" not in given
    assert given["teacher_file"] == "t.pth"


def test_the_frame_is_a_side_unless_images_are_cropped() -> None:
    run = {"dataset": "phantom", "method": "padim"}
    assert "resize" not in plan().parameters.of("head", run)
    cropped = plan(image={"side": 224, "resize": 256}).parameters
    for kind in ("head", "score", "metrics"):
        found = cropped.of(kind, run)
        assert (found["side"], found["resize"], found["fit"]) == (224, 256, "square")
    pairs = cropped.of("pairs", {"dataset": "phantom", "synthesis": "consult"})
    assert pairs["resize"] == 256
    with pytest.raises(MedadError, match=r"resize must be side \(128\) or more, or null"):
        plan(image={"resize": 64})


def test_numbers_of_a_split_are_the_data_sets_own() -> None:
    asked = plan().parameters
    busi = asked.of("split", {"dataset": "busi", "split": "adfa"})
    assert (busi["pool"], busi["test"], busi["anomalous"], busi["files"]) == (96, 32, 496, "apart")
    with pytest.raises(MedadError, match=r"splits.adfa.numbers: has no folder; add its numbers"):
        asked.of("split", {"dataset": "folder", "split": "adfa"})


@pytest.mark.parametrize("method", ["stpm", "rdad"])
def test_what_the_backbone_teaches_depends_on_it(method: str) -> None:
    half = plan(backbone={"normalisation": "half"}).parameters
    params = half.of("head", {"dataset": "phantom", "method": method})
    given = {"name": "resnet18", "weights": "random", "normalisation": "half"}
    assert params["backbone"] == given
    run = {"dataset": "phantom", "split": "grouped", "method": method, "k": 2, "r": 0}
    weights = layout.inputs("head", run, params)["weights"]
    assert weights == "results/weights/resnet18.random-half.safetensors"
    assert params["reads"] == "images"
    svdd = plan().parameters.of("head", {"dataset": "phantom", "method": "patch_svdd"})
    assert "backbone" not in svdd
