from __future__ import annotations

from pathlib import Path

import pytest

from medad.errors import MedadError
from medad.files import write_json
from medad.lineage import cells

CELL = {
    "value": 0.5,
    "decimals": 4,
    "n": 1,
    "aggregation": "mean over draws",
    "metrics": ["metrics/phantom/grouped/consult/k4/r0"],
    "intervals": "intervals/x",
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    names = ["phantom/grouped/CONSULT/K4", "phantom/paper/CONSULT/K4", "phantom/paper/PaDiM/K4"]
    path = tmp_path / "results/tables/table1.cells.json"
    write_json(path, {"cells": dict.fromkeys(names, CELL)})
    return path


def test_a_cell_is_found_whatever_the_case(file: Path) -> None:
    assert cells.find(file, "consult", "k4", None, "GROUPED")[0] == "phantom/grouped/CONSULT/K4"
    assert cells.find(file, "PaDiM", "K4", None, None)[1] == CELL


def test_none_or_several_cells_list_the_choices(file: Path) -> None:
    with pytest.raises(MedadError, match="more than one cell; add --dataset or --split"):
        cells.find(file, "CONSULT", "K4", None, None)
    with pytest.raises(MedadError, match="is not a cell; cells: phantom/grouped/CONSULT/K4; "):
        cells.find(file, "MOON", "K4", None, None)


@pytest.mark.parametrize(
    "content",
    [
        *([], {}, {"cells": []}, {"cells": {"x": {}}}, {"cells": {"a/b/c/K4": {}}}),
        *({"cells": {"a/b/c/K4": {**CELL, name: None}}} for name in CELL),
        {"cells": {"a/b/c/K4": {**CELL, "metrics": ["consult/k4/r0"]}}},
        {"cells": {"a/b/c/d/K4": CELL}},
    ],
)
def test_what_is_no_cell_map_is_one_line(content: object) -> None:
    assert cells.checked({"cells": {"a/b/c/K4": CELL}}, "it") == {"a/b/c/K4": CELL}
    with pytest.raises(MedadError, match=r"^it: "):
        cells.checked(content, "it")


def test_tables_are_found(file: Path) -> None:
    assert cells.tables(file.parents[2]) == [file]
