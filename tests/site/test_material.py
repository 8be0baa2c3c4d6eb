from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from project import Project

from medad.errors import MedadError
from medad.site.material import Material

pytestmark = pytest.mark.engine
TABLE = "results/tables/table1"


def test_a_table_that_is_not_its_cell_maps_is_refused(copy: Callable[[], Project]) -> None:
    project = copy()
    file = project.root / f"{TABLE}.csv"
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join(lines[:-1]))
    with pytest.raises(MedadError, match="not in both CSV and cell map"):
        Material(project.root).tables()
    file.unlink()
    with pytest.raises(MedadError, match="missing; make it again"):
        Material(project.root).tables()


def test_of_one_k_the_mean_over_k_is_not_shown_again(copy: Callable[[], Project]) -> None:
    project = copy()
    (both,) = Material(project.root).tables()
    assert any(name.endswith("/all") for name in both.entries)
    file, cells = project.root / f"{TABLE}.csv", project.root / f"{TABLE}.cells.json"
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join(line for line in lines if ",2," not in line))
    found = json.loads(cells.read_text())
    found["cells"] = {n: cell for n, cell in found["cells"].items() if not n.endswith("/K2")}
    cells.write_text(json.dumps(found))
    (one,) = Material(project.root).tables()
    assert {name.rpartition("/")[2] for name in one.entries} == {"K4"}
