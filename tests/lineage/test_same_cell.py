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
        ({"methods": {"patchcore": {"override": {"detector": {"coreset": 0.2}}}}}, {"coreset"}),
        # Another method, another row's standing and another K are not.
        ({"detectors": {"padim": {"dimensions": 30}}}, set()),
        ({"methods": {"padim": {"because": "x"}}}, set()),
        ({"runs": {"shots": [4, 6]}}, set()),
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
