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


def figure(name: str) -> dict[str, str | int]:
    return {"figure": name, "dataset": "phantom", "split": "grouped"}


def test_a_figure_depends_on_what_it_takes_and_on_nothing_else() -> None:
    shipped = plan().parameters.of("figure", figure("figure1"))
    assert shipped["methods"] == ["patchcore", "consult_adapted", "consult"]
    assert (shipped["shots"], shipped["draws"]) == ([4], [0])
    assert shipped["smoothing"] == 4.0
    assert not {"kind", "about", "takes", "healthy_quantile", "stage1"} & set(shipped)
    training = {"stage1": {"consult": {"learning_rate": 0.5}}}
    changed, before = plan(**training).halves(), plan().halves()
    keys = {path for path in before if changed[path] != before[path] and "/figure/" in path}
    assert keys == {f".prov/keys/figure/figure{n}.phantom.grouped.json" for n in (3, 4)}


def test_a_single_draw_is_the_first_of_four_shots_where_there_are_any() -> None:
    few = plan(runs={"shots": [6, 8], "replicates": 3}).parameters
    assert few.of("figure", figure("figure1"))["shots"] == [6]
    assert few.of("figure", figure("curves"))["draws"] == [0, 1, 2]
    assert few.of("figure", figure("shots"))["shots"] == [6, 8]


def test_a_figure_of_a_table_has_its_methods_and_rows() -> None:
    asked = plan().parameters
    found = asked.of("figure", figure("shots"))
    assert found["methods"] == asked.table_methods("table1")
    assert found["rows"] == asked.tables["table1"]["rows"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"methods": ["moon"]}, "method 'moon' is not in methods: patchcore"),
        ({"draws": "moon"}, "draws: got 'moon'; allowed: attention"),
        ({"reads": ["moon"]}, "reads 'moon'; allowed: index"),
        ({"takes": ["moon"]}, "takes 'moon'; allowed: side"),
        ({"shots": 4}, "allowed: one, all"),
        ({"reads": ["events"]}, "patchcore has no stage 1"),
    ],
)
def test_a_wrong_entry_is_an_error(change: dict[str, Any], message: str) -> None:
    changed = plan().parameters
    changed.figures["figure1"].update(change)
    with pytest.raises(MedadError, match=message):
        changed.of("figure", figure("figure1"))


def test_an_unknown_figure_and_maps_that_are_off_are_errors() -> None:
    with pytest.raises(MedadError, match="figure: got 'moon'; allowed: adfa_samples, "):
        plan().parameters.of("figure", figure("moon"))
    with pytest.raises(MedadError, match=r"set evaluation\.maps to true"):
        plan(evaluation={"maps": False}).parameters.of("figure", figure("figure1"))


def test_an_entry_without_a_key_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "workflow/tables").mkdir(parents=True)
    path = tmp_path / "workflow/tables/x.yaml"
    path.write_text("x: {kind: figure, draws: a, title: b, source: c, about: d, reads: []}\n")
    with pytest.raises(MedadError, match="x: no methods, or the table whose methods"):
        _ = Plan(tmp_path, load(ROOT, {})).parameters.figures
    path.write_text("x: {kind: figure, draws: a, methods: []}\n")
    with pytest.raises(MedadError, match="x: no title, source, about, reads"):
        _ = Plan(tmp_path, load(ROOT, {})).parameters.figures


def test_a_figure_of_features_is_of_the_configurations_own_backbone() -> None:
    asked = plan().parameters
    asked.figures["adfa_attention"]["methods"] = ["adfa_random"]
    asked.of("figure", figure("adfa_attention"))
    changed = plan(backbone={"weights": "imagenet"}).parameters
    changed.figures["adfa_attention"]["methods"] = ["adfa_random"]
    with pytest.raises(MedadError, match="adfa_random has a backbone of its own; show others"):
        changed.of("figure", figure("adfa_attention"))


def test_a_figure_of_features_is_of_pixels_as_all_methods_have_them() -> None:
    asked = plan(methods={"adfa": {"normalisation": {"phantom": "half"}}}).parameters
    with pytest.raises(MedadError, match="adfa has a backbone of its own; show others"):
        asked.of("figure", figure("adfa_attention"))


def test_a_cropped_image_is_so_in_figures() -> None:
    found = plan(image={"side": 224, "resize": 256}).parameters.of("figure", figure("adfa_samples"))
    assert (found["side"], found["resize"], found["fit"]) == (224, 256, "square")
