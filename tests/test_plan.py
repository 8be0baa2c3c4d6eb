from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from medad import layout
from medad.config.load import load
from medad.errors import MedadError
from medad.plan import Plan

ROOT = Path(__file__).resolve().parents[1]


def plan(**changes: Any) -> Plan:
    return Plan(ROOT, load(ROOT, changes))


def test_every_output_pattern_belongs_to_the_steps_of_its_job() -> None:
    found = plan().patterns("stage1")
    assert found["weights"][0] == "results/stage1/{dataset}/{split}/{method}/k{k}/r0.safetensors"
    assert {name: len(paths) for name, paths in found.items()} == {
        "weights": 5,
        "events": 5,
        "manifests": 5,
    }
    assert len(plan().patterns("head")["head"]) == 20


def test_key_files_hold_neither_the_shot_count_nor_the_replicate() -> None:
    run = {"dataset": "phantom", "split": "grouped", "method": "consult"}
    halves = [plan().half("stage1", {**run, "k": k, "r": r}) for k in (2, 8) for r in (0, 4)]
    assert halves[1:] == halves[:-1]
    assert plan().key_file("stage1", {**run, "k": 2, "r": 0}) == (
        ".prov/keys/stage1/phantom.consult.json"
    )


def test_a_job_tracks_manifests_and_merely_needs_big_files() -> None:
    wildcards = {"dataset": "phantom", "split": "grouped", "method": "consult", "k": "4"}
    tracked, big = plan().needs("score", wildcards)
    assert all(path.endswith(layout.MANIFEST) for path in tracked)
    assert "results/index/phantom/images.zip" in big
    assert "results/stage1/phantom/grouped/consult/k4/r0.safetensors" in big


def test_pairs_that_leak_rest_on_the_split_and_the_index_and_on_code_of_their_own() -> None:
    shown = plan()
    place = {"dataset": "phantom", "split": "grouped"}
    tracked, big = shown.needs("pairs", {**place, "synthesis": "test_images"})
    assert "results/splits/phantom/grouped.manifest.json" in tracked
    assert "results/index/phantom/index.parquet" in big
    tracked, _ = shown.needs("pairs", {**place, "synthesis": "consult"})
    assert all(path.startswith("results/shots/") for path in tracked)
    leaky = shown.half("pairs", {"dataset": "phantom", "synthesis": "test_images"})
    synthetic = shown.half("pairs", {"dataset": "phantom", "synthesis": "consult"})
    assert "evaluation/masks.py" in leaky.code
    assert "synthesis/test_images.py" not in synthetic.code


def test_the_milestones_cover_every_step_a_table_rests_on() -> None:
    both = plan(runs={"tables": ["table1", "adfa_table2"], "splits": ["grouped", "adfa"]})
    steps = both.stage(tuple(layout.STEMS))
    kinds = {layout.parse_manifest(path)[0] for path in steps}
    assert kinds == set(layout.STEMS)
    assert len(steps) == len(set(steps))


def test_a_shared_head_is_planned_once() -> None:
    rough = {"like": "padim", "override": {"detector": {"smooth": 0.0}}}
    asked = plan(methods={"rough": rough})
    rows = asked.parameters.tables["table1"]["rows"]
    next(row for row in rows if row["method"] == "padim")["method"] = "rough"
    heads = {layout.parse_manifest(path)[1]["method"] for path in asked.stage(("head",))}
    scores = {layout.parse_manifest(path)[1]["method"] for path in asked.stage(("score",))}
    assert "padim" in heads
    assert "rough" not in heads
    assert "rough" in scores
    assert "padim" not in scores
    run = {"dataset": "phantom", "split": "grouped", "method": "rough", "k": "2"}
    tracked, _ = asked.needs("score", run)
    assert "results/heads/phantom/grouped/padim/k2/r0.manifest.json" in tracked


def test_only_names_that_there_are_can_be_targets() -> None:
    names = plan().names()
    assert re.fullmatch(names["table"], "table1")
    assert not re.fullmatch(names["table"], "tabel1")
    assert re.fullmatch(names["dataset"], "brain_mri")
    assert not re.fullmatch(names["method"], "patchcor")


def figures(asked: Plan) -> set[str]:
    return {str(layout.parse_manifest(path)[1]["figure"]) for path in asked.stage(("figure",))}


def test_figures_are_those_that_the_configuration_can_draw() -> None:
    assert figures(plan()) == {"figure1"}
    every = set(plan().parameters.figures)
    assert every >= {"figure1", "figure3", "figure4", "shots"}
    all_of_them = {"runs": {"figures": sorted(every)}}
    assert figures(plan(**all_of_them)) == every
    without_maps = plan(evaluation={"maps": False}, **all_of_them)
    assert figures(without_maps) == every - {"figure1", "failures", "adfa_distances"}
    without_maps.halves()
    without = plan(**all_of_them)
    without.parameters.figures["figure1"]["methods"] = ["patchcore", "moon"]
    assert figures(without) == every - {"figure1"}
    with pytest.raises(MedadError, match=r"runs\.figures: got 'moon'"):
        figures(plan(runs={"figures": ["moon"]}))
    without.halves()


def test_a_method_that_only_a_figure_shows_is_made() -> None:
    changed = plan()
    rows = changed.parameters.tables["table1"]["rows"]
    rows[:] = [row for row in rows if row["method"] != "consult_adapted"]
    kept = {layout.parse_manifest(path)[1]["method"] for path in changed.stage(("stage1",))}
    assert kept == {"consult", "consult_adapted"}


def test_the_key_of_a_figure_holds_its_own_module_alone() -> None:
    place = {"dataset": "phantom", "split": "grouped"}
    modules = {}
    for name in plan().parameters.figures:
        code = plan().half("figure", {**place, "figure": name}).code
        own = {path for path in code if path.startswith("reporting/figures/")}
        modules[name] = own - {"reporting/figures/__init__.py"}
        assert ("pretraining/consult.py" in code) == (name == "figure3")
    assert modules["figure1"] == {"reporting/figures/heat_maps.py"}
    assert {len(own) for own in modules.values()} == {1}


def test_a_figure_that_trains_has_the_threads_of_stage_1() -> None:
    changed = plan(threads={"stage1": 3, "report": 2})
    place = {"dataset": "phantom", "split": "grouped"}
    threads = {
        n: changed.half("figure", {**place, "figure": n}).threads for n in ("figure3", "shots")
    }
    assert threads == {"figure3": 3, "shots": 2}


def test_all_of_a_pool_is_a_shot_count() -> None:
    made = plan(runs={"shots": [2, "full"], "replicates": 1})
    paths = made.patterns("head")["head"]
    assert [path.rpartition("/k")[2] for path in paths] == [
        "2/r0.safetensors",
        "full/r0.safetensors",
    ]
    (step,) = made.targets("score", {"dataset": "phantom", "split": "adfa", "k": "full"})
    assert made.needs("score", {**step, "method": "padim", "k": "full"})[0]
    assert "results/scores/phantom/grouped/padim/kfull/r0.manifest.json" in made.stage(("score",))


def test_weights_of_pixels_that_are_normalised_otherwise_are_files_of_their_own() -> None:
    tables = {"tables": ["adfa_readings"], "datasets": ["busi", "sipakmed"]}
    made = plan(preset="adfa", backbone={"name": "resnet18"}, runs=tables)
    wanted = made.stage(("weights",))
    assert wanted == [
        f"results/weights/resnet18.{kind}.manifest.json" for kind in ("imagenet", "imagenet-half")
    ]
    keys = [path for path in made.halves() if "/weights/" in path]
    assert ".prov/keys/weights/resnet18.imagenet-half.json" in keys


def test_a_method_may_start_from_random_weights() -> None:
    made = plan(preset="adfa", backbone={"weights": "imagenet"}, runs={"tables": ["adfa_table3"]})
    wanted = made.stage(("weights",))
    assert wanted == [
        f"results/weights/wide_resnet50_2.{kind}.manifest.json" for kind in ("imagenet", "random")
    ]
    head = made.parameters.of("head", {"dataset": "busi", "method": "adfa_random"})
    assert (head["backbone"]["name"], head["backbone"]["weights"]) == ("wide_resnet50_2", "random")
    assert "resnet18" not in " ".join(made.halves())


@pytest.mark.parametrize(("preset", "side"), [("adfa_short", 224), ("adfa_small", 128)])
def test_adfas_presets_for_few_cores_are_of_resnet18_and_the_wide_network_if_it_has_weights(
    preset: str, side: int
) -> None:
    mine = {"weights": "file", "file": "mine.safetensors", "sha256": "0" * 64}
    made = plan(preset=f"adfa+{preset}", backbone=mine)
    params = made.parameters.of("head", {"dataset": "busi", "method": "padim"})
    assert (params["backbone"]["name"], params["dimensions"], params["side"]) == (
        "resnet18",
        100,
        side,
    )
    assert "wide_resnet50_2" not in " ".join(made.stage(("weights",)))
    for table, rows in (("adfa_table1", 1), ("adfa_table3", 5)):
        told = made.parameters.of("table", {"table": table})["obstacles"]
        assert len(told) == rows
        assert set(told.values()) == {
            "no weights of wide_resnet50_2: give their file in backbone.others"
        }
    others = {"wide_resnet50_2": {"file": "wide.pth", "sha256": "1" * 64}}
    made = plan(preset=f"adfa+{preset}", backbone={**mine, "others": others})
    head = made.parameters.of("head", {"dataset": "busi", "method": "adfa_wide"})
    assert head["backbone"]["name"] == "wide_resnet50_2"
    assert "wide_resnet50_2" in " ".join(made.stage(("weights",)))


def test_a_method_that_another_already_is_does_not_run_again() -> None:
    made = plan(preset="adfa", backbone={"weights": "random"})
    told = made.parameters.of("table", {"table": "adfa_table3"})["obstacles"]
    assert told["adfa_wide_hard"].endswith("already: the same as adfa_hard")
    told = made.parameters.of("table", {"table": "adfa_table1"})["obstacles"]
    assert told == {"adfa_wide": "the backbone is wide_resnet50_2 already: the same as adfa"}
    assert "adfa_wide" not in " ".join(made.target("all"))
    other = {"methods": {"adfa_wide": {"override": {"detector": {"attention": 0.3}}}}}
    told = plan(preset="adfa", backbone={"weights": "random"}, **other).parameters
    assert told.obstacle("adfa_wide") is None


def test_a_table_of_sizes_is_of_splits_alone() -> None:
    made = plan(preset="adfa", backbone={"weights": "random"})
    steps = {"sizes": "adfa_table2"}
    tracked, _ = made.needs("sizes", steps)
    assert {path.split("/")[1] for path in tracked} == {"index", "splits"}
    assert "results/tables/adfa_table2.csv" in made.target("all")
    assert layout.parse("results/tables/adfa_table2.csv") == ("sizes", steps)
    assert layout.parse("results/tables/adfa_table1.csv") == ("table", {"table": "adfa_table1"})
