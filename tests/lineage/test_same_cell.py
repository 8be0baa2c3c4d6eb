"""A cell compared: what is in its table and not in it is no cause."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from forge import IMAGES, Forged, small_root

from medad.errors import MedadError
from medad.files import canonical_json
from medad.lineage.cells import choose
from medad.lineage.compare import compare
from medad.lineage.frontier import Side
from medad.lineage.places import read_json
from medad.lineage.same_cell import drawn
from medad.lineage.targets import Target

TABLE = "results/tables/table1.csv"
CELLS = "results/tables/table1.cells.json"
CONSULT = {"stage1": {"consult": {"tritanh": {"push": 0.7}}}}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_root(tmp_path_factory.mktemp("root"))


def cell(place: Forged, row: str, column: str) -> Target:
    known = read_json(place, CELLS)["cells"]
    return Target(place, TABLE, choose(known, row, column, None, None))


@pytest.mark.parametrize(
    ("values", "causes"),
    [
        # Its own method, the baseline it is set against, and the interval are of the cell.
        (CONSULT, {"tritanh.push"}),
        ({"evaluation": {"resamples": 100}}, {"resamples"}),
        ({"runs": {"replicates": 2}}, {"replicate"}),
        # All K of its row share one critical value of the simultaneous interval.
        ({"runs": {"shots": [4, 6]}}, {"K"}),
        ({"methods": {"patchcore": {"override": {"detector": {"coreset": 0.2}}}}}, {"coreset"}),
        # Another method and another row's standing are not.
        ({"detectors": {"padim": {"dimensions": 30}}}, set()),
        ({"methods": {"padim": {"because": "x"}}}, set()),
    ],
)
def test_a_cell_rests_on_less_than_its_table(
    values: dict[str, Any],
    causes: set[str],
    root: Path,
) -> None:
    old, new = Forged(root), Forged(root, config=values)
    found = compare(cell(old, "CONSULT", "K4"), cell(new, "CONSULT", "K4"))
    assert {item["what"] for item in found["causes"]} == causes
    assert found["same"] == (not causes)
    if values == CONSULT:
        (draw,) = found["consequences"]["draws"]
        metrics = "results/metrics/phantom/grouped/consult/k4/r0.json"
        assert draw["values"]["auroc"] == [read_json(p, metrics)["auroc"] for p in (old, new)]
        assert draw["ranks"]["common"] == len(IMAGES)


@pytest.mark.parametrize("kind", ["head", "score"])
@pytest.mark.parametrize(
    ("method", "moved"),
    [
        ("consult", {"CONSULT/K2", "CONSULT/K4"}),
        # Every difference is paired with the baseline's scores; its own cells have none.
        ("patchcore", {"CONSULT/K2", "CONSULT/K4", "PatchCore/K2"}),
    ],
)
def test_scores_of_another_k_move_the_simultaneous_interval_and_are_named(
    root: Path, kind: str, method: str, moved: set[str]
) -> None:
    step = f"results/{kind}s/phantom/grouped/{method}/k2/r0.manifest.json"
    other = step.replace(method, "padim")
    old, new = Forged(root), Forged(root, bytes_of={step: "x", other: "x"})
    for row in ("CONSULT", "PatchCore"):
        for column in ("K2", "K4"):
            found = compare(cell(old, row, column), cell(new, row, column))
            told = [(item["sort"], item["steps"]) for item in found["causes"]]
            assert found["same"] == (f"{row}/{column}" not in moved), (row, column)
            assert told == ([] if found["same"] else [("unknown", (step,))])
    line = compare(cell(old, "CONSULT", "K4"), cell(new, "CONSULT", "K4"))["consequences"]["line"]
    assert list(line) == ["vs_sim_low"]


def test_another_k_is_no_cause_where_the_simultaneous_interval_is_equal(root: Path) -> None:
    """The baseline has none."""
    step = "results/scores/phantom/grouped/patchcore/k4/r0.manifest.json"
    config = {"runs": {"shots": [4, 6]}}
    old, new = Forged(root), Forged(root, config=config, bytes_of={step: "x"})
    assert compare(
        cell(old, "PatchCore", "K4"), cell(Forged(root, config=config), "PatchCore", "K4")
    )["same"]
    (cause,) = compare(cell(old, "PatchCore", "K4"), cell(new, "PatchCore", "K4"))["causes"]
    assert cause["steps"] == (step,)
    found = compare(cell(old, "CONSULT", "K4"), cell(new, "CONSULT", "K4"))
    told = {(item["sort"], item["old"], item["new"]) for item in found["causes"]}
    assert told == {("selection", 2, None), ("selection", None, 6), ("unknown", None, None)}


def test_two_cells_of_one_table(root: Path) -> None:
    old = Forged(root)
    found = compare(cell(old, "CONSULT", "K4"), cell(old, "CONSULT", "K2"))
    assert [item["text"] for item in found["causes"]] == ["K: 4 -> 2"]
    assert found["context"] == []
    found = compare(cell(old, "PatchCore", "K4"), cell(old, "PaDiM", "K4"))
    assert found["causes"][0]["text"] == "method: patchcore -> padim"
    assert {item["sort"] for item in found["causes"]} == {"identity", "parameter"}


def test_a_map_of_another_table_is_refused(root: Path) -> None:
    place = Forged(root)
    target = cell(place, "CONSULT", "K4")
    assert target.cell is not None
    target.cell[1]["metrics"] = ["metrics/phantom/grouped/moon/k4/r0"]
    with pytest.raises(MedadError, match="its table did not read metrics/phantom/grouped/moon"):
        drawn(Side("A", place), target)
    place.files[CELLS] = canonical_json({"cells": dict([target.cell])})
    with pytest.raises(MedadError, match=r"cells.json in forged: changed since it was made"):
        compare(target, target)
