from __future__ import annotations

import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import yaml

from medad.config.load import load
from medad.lineage.graph import Node
from medad.lineage.readings import ABSENT, choices, notes, readings, value_of
from medad.plan import Plan

ROOT = Path(__file__).resolve().parents[2]
RUN = {"dataset": "phantom", "split": "grouped", "k": 4, "r": 0}
KINDS = ("phantom", "split", "shots", "metrics", "score", "head", "stage1", "pairs", "index")


def nodes(method: str, overrides: dict[str, Any] | None = None) -> list[Node]:
    """Steps of one run as a configuration would make them."""
    plan = Plan(ROOT, load(ROOT, overrides))
    label = plan.parameters.synthesis_of(method)
    asked = {**RUN, "method": method, "synthesis": label, "backbone": "resnet18"}
    found = []
    for kind in (*KINDS, "weights"):
        identity = {**asked, "weights": plan.config.backbone.weights, "table": "table1"}
        if kind == "pairs":
            identity.pop("method")
        half = asdict(plan.half(kind, {**identity, "method": method}))
        found.append(Node(f"{kind}.manifest.json", {**half, "identity": identity}))
    return found


def raw(name: str) -> dict[str, Any]:
    return dict(yaml.safe_load((ROOT / name).read_text()))


def flat(values: Any, above: str = "") -> dict[str, Any]:
    if not isinstance(values, dict):
        return {above.rstrip("."): values}
    found: dict[str, Any] = {}
    for name, value in values.items():
        found |= flat(value, f"{above}{name}.")
    return found


def test_what_ships_is_the_default_and_the_letter_is_what_the_preset_changes() -> None:
    found = {reading.key: reading for reading in readings(ROOT, nodes("consult"))}
    shipped = flat(raw("params.yaml"))
    letter = flat(raw("workflow/presets/consult_literal.yaml"))
    for key, reading in found.items():
        assert reading.value == reading.default == shipped[key]
    changed = {key: letter[key] for key in letter if key in found and letter[key] != shipped[key]}
    assert changed["synthesis.consult.fill"] == "literal"
    assert len(changed) > 4
    literal = {k: reading.literal for k, reading in found.items() if reading.literal is not None}
    assert literal == changed


def test_every_key_of_the_sections_in_use_is_shown() -> None:
    found = {reading.key for reading in readings(ROOT, nodes("consult"))}
    sections = ("synthesis.consult.", "stage1.consult.", "detectors.patchcore.", "leakage.")
    wanted = {key for key in flat(raw("params.yaml")) if key.startswith(sections)}
    wanted |= {"seed", "image.side", "splits.grouped.pool", "backbone.weights", "data.on_bad"}
    wanted |= {"datasets.phantom.contrasts.t1", "evaluation.maps", "evaluation.smoothing"}
    assert wanted <= found


def test_a_methods_own_overrides_are_its_default() -> None:
    found = {reading.key: reading for reading in readings(ROOT, nodes("consult_adapted"))}
    start = found["stage1.consult.attention_init"]
    assert (start.value, start.default, start.literal) == ("identity", "identity", "reference")
    assert found["stage1.consult.epochs"].default == 50
    leaky = {reading.key: reading for reading in readings(ROOT, nodes("cls_leaky"))}
    assert leaky["synthesis.test_images.unmasked"].default == "keep"


def test_a_value_in_force_is_set_against_both() -> None:
    changed = {"stage1": {"consult": {"koleo": "nearest", "interpolate": 1.0}}}
    found = {r.key: r for r in readings(ROOT, nodes("consult", changed))}
    koleo, kept = found["stage1.consult.koleo"], found["stage1.consult.interpolate"]
    # The letter is named although it is the default: here it differs from what is in force.
    assert (koleo.value, koleo.default, koleo.literal) == ("nearest", "norm", "norm")
    assert koleo.steps == ("stage1",)
    assert (kept.value, kept.default, kept.literal) == (1.0, 0.25, None)
    assert koleo.open
    assert kept.open
    assert not found["stage1.consult.slope"].open
    side = {r.key: r for r in readings(ROOT, nodes("consult", {"image": {"side": 64}}))}
    assert side["image.side"].literal is None  # the preset says nothing of it
    assert side["image.side"].steps == ("metrics", "score", "head", "stage1", "pairs")


def test_values_of_a_method_that_no_configuration_names() -> None:
    config = load(ROOT).model_dump()
    assert value_of(config, "stage1.consult.epochs", "gone") == 25
    assert value_of(config, "backbone.name", "r50_relu") == "resnet50"
    assert value_of(config, "backbone.name", None) == "resnet18"
    assert value_of(config, "datasets.gone.side", None) == ABSENT


def test_open_points_are_named_where_the_page_is_there(tmp_path: Path) -> None:
    found = {reading.key: reading for reading in readings(ROOT, nodes("consult"))}
    scale = found["synthesis.consult.scale"]
    assert (scale.choices, scale.value, scale.literal) == ((), scale.default, None)
    assert scale.point == "size of a spot; strength of the augmentations: not stated"
    assert scale.open
    shutil.copy(ROOT / "params.yaml", tmp_path)
    alone = {reading.key: reading for reading in readings(tmp_path, nodes("consult"))}
    assert alone["synthesis.consult.scale"].point is None


def test_without_the_preset_there_is_no_letter(tmp_path: Path) -> None:
    shutil.copy(ROOT / "params.yaml", tmp_path)
    assert all(reading.literal is None for reading in readings(tmp_path, nodes("consult")))


def test_an_edited_params_file_is_read_again(tmp_path: Path) -> None:
    shutil.copy(ROOT / "params.yaml", tmp_path)
    steps = nodes("consult")
    assert not [r for r in readings(tmp_path, steps) if r.value != r.default]
    text = (tmp_path / "params.yaml").read_text()
    (tmp_path / "params.yaml").write_text(text.replace("correlation: 0.99", "correlation: 0.95"))
    changed = [r for r in readings(tmp_path, steps) if r.value != r.default]
    assert [(r.key, r.value, r.default) for r in changed] == [("leakage.correlation", 0.99, 0.95)]


@pytest.mark.parametrize(
    ("key", "allowed"),
    [
        ("stage1.consult.koleo", ("norm", "nearest", "none")),
        ("detectors.patchcore.reweight", (False, True)),
        ("stage1.consult.epochs", ()),
        ("datasets.phantom.side", ()),
        ("no.such.key", ()),
    ],
)
def test_choices_are_those_of_the_models(key: str, allowed: tuple[Any, ...]) -> None:
    assert choices(key) == allowed


def test_notes_are_the_comments_beside_values() -> None:
    text = (
        "a: 1   # first\n"
        "b:     # of the section\n"
        "  c: 'x # no comment'\n"
        "  d: {e: 2, f: 3}  # both # of them\n"
        "  g:\n"
        "    - 1  # an item's\n"
        "# of the next\n"
        "h: last # one"
    )
    assert notes(text) == {"a": "first", "b.d": "both # of them", "h": "one"}
    shipped = notes((ROOT / "params.yaml").read_text())
    assert shipped["synthesis.consult.shape"] == "curve (Algorithm 1) or hull (the text)"
    assert shipped["stage1.consult.koleo"].startswith("norm (literal eq. 5)")


def one_step(kind: str, identity: dict[str, Any]) -> Node:
    """A step as what ships would make it."""
    half = asdict(Plan(ROOT, load(ROOT)).half(kind, identity))
    return Node(f"{kind}.manifest.json", {**half, "identity": identity})


def test_sizes_of_adfas_split_are_the_data_sets_own() -> None:
    split = one_step("split", {"dataset": "busi", "split": "adfa"})
    found = {one.key: one for one in readings(ROOT, [split])}
    pool = found["splits.adfa.numbers.busi.pool"]
    assert (pool.value, pool.default) == (96, 96)
    assert found["splits.adfa.numbers.busi.anomalous"].value == 496


def test_weights_may_be_a_methods_own() -> None:
    head = one_step("head", {**RUN, "method": "adfa_random"})
    found = {one.key: one for one in readings(ROOT, [head])}
    assert found["backbone.weights"].default == "random"
    assert "detectors.adfa.trains" not in found
