from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medad import layout
from medad.errors import MedadError

name = st.from_regex(r"[A-Za-z0-9_-]{1,8}", fullmatch=True)
identity = st.fixed_dictionaries(
    {
        **dict.fromkeys(("backbone", "weights", "dataset", "split", "synthesis", "method"), name),
        **dict.fromkeys(("table", "figure"), name),
        **{k: st.integers(0, 99) for k in ("k", "r")},
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
    backbone = {"name": "resnet18", "weights": "random"}
    frozen = layout.inputs("head", run, {"reads": "features", "frozen": True, "backbone": backbone})
    adapted = layout.inputs(
        "head", run, {"reads": "features", "frozen": False, "backbone": backbone}
    )
    assert frozen["weights"] == "results/weights/resnet18.random.safetensors"
    assert adapted["weights"] == "results/stage1/d/s/m/k2/r0.safetensors"


def test_a_detector_of_images_reads_its_teacher_or_the_trunk_it_learns_from() -> None:
    run = {"dataset": "d", "split": "s", "method": "m", "k": 2, "r": 0}
    backbone = {"name": "resnet18", "weights": "random"}
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
