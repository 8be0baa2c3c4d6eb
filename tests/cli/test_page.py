from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from project import Project

pytestmark = pytest.mark.engine


def test_the_page_is_written_where_it_is_asked_for(
    copy: Callable[[], Project], tmp_path: Path
) -> None:
    project = copy()
    before = project.git("status", "--porcelain")
    done = project.medad("page")
    assert done.stdout.startswith("1 table, 9 cells, ")
    assert (project.root / "results/audit/index.html").is_file()
    assert project.git("status", "--porcelain") == before
    refused = project.medad("page", "--out", str(project.root / "src"), check=False)
    assert refused.returncode == 2
    assert refused.stderr.count("\n") == 1
    assert "is no site of `medad page`" in refused.stderr
    project.medad("page", "--out", str(tmp_path / "elsewhere"))
    assert (tmp_path / "elsewhere/leakage.html").is_file()
