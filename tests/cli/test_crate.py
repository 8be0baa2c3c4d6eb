from __future__ import annotations

from pathlib import Path

import pytest
from project import Project

pytestmark = pytest.mark.engine


def test_a_full_folder_and_a_file_of_no_step_are_one_line_each(
    finished: Project, tmp_path: Path
) -> None:
    (tmp_path / "mine").write_text("")
    full = finished.medad("crate", "results/tables/table1.csv", str(tmp_path), check=False)
    inside = finished.medad("crate", "results/tables/table1.csv", "crate", check=False)
    assert inside.returncode == 2
    assert "lies in the project" in inside.stderr
    assert not (finished.root / "crate").exists()
    other = finished.medad("crate", "params.yaml", str(tmp_path / "new"), check=False)
    for refused, said in ((full, "is there already"), (other, "not an artifact of medad")):
        assert refused.returncode == 2
        assert said in refused.stderr
        assert refused.stderr.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]
