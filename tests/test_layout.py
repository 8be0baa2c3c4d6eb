from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medad import layout
from medad.errors import MedadError
from medad.shot_counts import FULL

name = st.from_regex(r"[A-Za-z0-9_-]{1,8}", fullmatch=True)
identity = st.fixed_dictionaries(
    {
        **dict.fromkeys(("backbone", "weights", "dataset", "split", "synthesis", "method"), name),
        **dict.fromkeys(("table", "figure"), name),
        "sizes": st.just("adfa_table2"),
        "k": st.integers(0, 99) | st.just(FULL),
        "r": st.integers(0, 99),
    }
)


@given(identity, st.sampled_from(sorted(layout.STEMS)))
def test_a_path_leads_back_to_its_step(values: dict[str, str | int], kind: str) -> None:
    params = {"maps": True}
    for path in [
        *layout.outputs(kind, values, params).values(),
        layout.manifest(kind, values),
    ]:
        found = layout.parse(path)
        assert found is not None
        assert found[0] == kind
        assert layout.stem(kind, found[1]) == layout.stem(kind, values)


@pytest.mark.parametrize("path", ["results/x.csv", "params.yaml", "results/tables/a/b.csv", ""])
def test_other_files_have_no_step(path: str) -> None:
    assert layout.parse(path) is None
    with pytest.raises(MedadError, match="not the manifest of a step"):
        layout.parse_manifest(path)


def test_maps_are_an_output_only_when_asked_for() -> None:
    run = {"dataset": "d", "split": "s", "method": "m", "k": 2, "r": 0}
    assert set(layout.outputs("score", run, {"maps": False})) == {"scores"}
    assert set(layout.outputs("score", run, {"maps": True})) == {"scores", "maps"}


def test_a_frozen_method_reads_published_weights_and_an_adapted_one_its_own() -> None:
    run = {"dataset": "d", "split": "s", "method": "m", "k": 2, "r": 0}
    backbone = {"name": "resnet18", "weights": "random", "normalisation": "imagenet"}
    frozen = layout.inputs("head", run, {"reads": "features", "frozen": True, "backbone": backbone})
    adapted = layout.inputs(
        "head", run, {"reads": "features", "frozen": False, "backbone": backbone}
    )
    assert frozen["weights"] == "results/weights/resnet18.random.safetensors"
    half = {**backbone, "normalisation": "half"}
    frozen = layout.inputs("head", run, {"reads": "features", "frozen": True, "backbone": half})
    assert frozen["weights"] == "results/weights/resnet18.random-half.safetensors"
    assert adapted["weights"] == "results/stage1/d/s/m/k2/r0.safetensors"


def test_names_of_weights_are_read_as_they_are_written() -> None:
    for weights in ("random", "imagenet", "file"):
        for normalisation in ("imagenet", "half"):
            name = layout.weights_name(weights, normalisation)
            assert layout.weights_named(name) == (weights, normalisation)


def test_a_method_scores_with_the_head_of_another_that_learned_the_same() -> None:
    run = {"dataset": "d", "split": "s", "method": "m", "k": 2, "r": 0}
    params = {"reads": "images"}
    own = layout.inputs("score", run, params)["head"]
    assert own == "results/heads/d/s/m/k2/r0.safetensors"
    shared = layout.inputs("score", run, {**params, "head": "first"})
    assert shared["head"] == "results/heads/d/s/first/k2/r0.safetensors"
    drawn = {"reads": ["head"], "methods": ["m", "n"], "shots": [2], "draws": [0]}
    assert layout.inputs("figure", FIGURE, {**drawn, "heads": {"m": "first"}}) == {
        "head/m/k2/r0": shared["head"],
        "head/n/k2/r0": "results/heads/d/s/n/k2/r0.safetensors",
    }


def test_only_a_synthesis_that_leaks_reads_the_split_and_the_index() -> None:
    draw = {"dataset": "d", "split": "s", "synthesis": "x", "k": 2, "r": 0}
    shots = {"shots": "results/shots/d/s/k2/r0.csv"}
    assert layout.inputs("pairs", draw, {"source": "synthetic"}) == shots
    assert layout.inputs("pairs", draw, {"source": "test"}) == {
        **shots,
        "split": "results/splits/d/s.parquet",
        "index": "results/index/d/index.parquet",
    }


FIGURE = {"figure": "f", "dataset": "d", "split": "s"}


def test_a_figure_reads_what_it_names_of_every_method_and_draw() -> None:
    params = {
        "reads": ["index", "shots", "scores", "intervals"],
        "methods": ["a", "b"],
        "shots": [2, 4],
        "draws": [0],
        "table": "table1",
    }
    assert layout.inputs("figure", FIGURE, params) == {
        "index": "results/index/d/index.parquet",
        "shots/k2/r0": "results/shots/d/s/k2/r0.csv",
        "shots/k4/r0": "results/shots/d/s/k4/r0.csv",
        **{
            f"scores/{m}/k{k}/r0": f"results/scores/d/s/{m}/k{k}/r0.parquet"
            for m in ("a", "b")
            for k in (2, 4)
        },
        "intervals": "results/metrics/d/s/table1.intervals.json",
    }


def test_a_figures_trunk_is_the_backbone_of_a_method_without_stage_1() -> None:
    params = {
        "reads": ["weights", "trunk", "head"],
        "methods": ["frozen", "tuned"],
        "shots": [4],
        "draws": [0],
        "backbone": {"name": "resnet18", "weights": "random", "normalisation": "imagenet"},
        "synthesis_of": {"frozen": "none", "tuned": "consult-tuned"},
    }
    found = layout.inputs("figure", FIGURE, params)
    assert found["weights"] == "results/weights/resnet18.random.safetensors"
    assert found["trunk/frozen/k4/r0"] == found["weights"]
    assert found["trunk/tuned/k4/r0"] == "results/stage1/d/s/tuned/k4/r0.safetensors"
    tuned = {**params, "reads": ["pairs", "events"], "methods": ["tuned"]}
    assert layout.inputs("figure", FIGURE, tuned) == {
        "pairs/tuned/k4/r0": "results/pairs/d/s/consult-tuned/k4/r0.npz",
        "events/tuned/k4/r0": "results/stage1/d/s/tuned/k4/r0.events.jsonl",
    }


def test_every_name_a_figure_may_read_is_an_output() -> None:
    for kind, item in layout.READABLE.values():
        assert item in layout.SUFFIXES[kind]


def test_a_detector_of_images_reads_its_teacher_or_the_trunk_it_learns_from() -> None:
    run = {"dataset": "d", "split": "s", "method": "m", "k": 2, "r": 0}
    backbone = {"name": "resnet18", "weights": "random", "normalisation": "imagenet"}
    distilled = {"reads": "images", "teacher": "distil", "distil_on": "shots", "penalty": "none"}
    published = {"reads": "images", "teacher": "file", "teacher_file": "t.pth"}
    foreign = {"penalty": "images", "natural_images": "n.zip"}

    def found(params: dict[str, object]) -> dict[str, str]:
        inputs = layout.inputs("head", run, params)
        return {name: path for name, path in inputs.items() if name != "shots"}

    weights = "results/weights/resnet18.random.safetensors"
    assert found({**distilled, "backbone": backbone}) == {"weights": weights}
    assert found(published) == {"teacher": "t.pth"}
    assert found({**published, **foreign}) == {"teacher": "t.pth", "natural": "n.zip"}
    on_images = {**distilled, "distil_on": "images", "natural_images": "n.zip"}
    assert found({**on_images, "backbone": backbone}) == {"natural": "n.zip", "weights": weights}
    assert found({"reads": "images"}) == {}
