from __future__ import annotations

from pathlib import Path

import pytest
from project import Project

pytestmark = pytest.mark.engine


def test_a_table_is_published_and_what_is_no_table_is_refused(
    finished: Project, tmp_path: Path
) -> None:
    said = finished.medad("publish", "results/tables/table1.csv", str(tmp_path)).stdout
    assert said.endswith(f"files packed into {tmp_path}/evidence\n")
    assert (tmp_path / "table1.csv").read_bytes() == finished.table()
    refused = finished.medad("publish", "params.yaml", str(tmp_path), check=False)
    assert refused.returncode == 2
    assert "params.yaml: not an artifact of medad" in refused.stderr
    assert (tmp_path / "evidence/scores.zip").is_file()
