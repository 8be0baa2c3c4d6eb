from __future__ import annotations

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
