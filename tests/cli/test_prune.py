from __future__ import annotations

from collections.abc import Callable

import pytest
from project import Project

pytestmark = pytest.mark.engine


def test_only_what_no_configuration_asks_for_goes_and_history_and_pages_stay(
    copy: Callable[[], Project],
) -> None:
    project = copy()
    results = project.root / "results"
    page = results / "audit/table1/index.html"
    orphan = results / "tables/old/table9.csv"
    alike = results / "records_of_mine/x.json"
    for path in (page, orphan, alike):
        path.parent.mkdir(parents=True)
        path.write_text("x")
    (results / "audit/empty").mkdir()
    records = len(project.records())
    listed = project.medad("prune").stdout.splitlines()
    assert listed[:-1] == ["results/records_of_mine/x.json", "results/tables/old/table9.csv"]
    assert listed[-1] == "2 orphans (--apply removes them)"
    assert orphan.exists()
    assert project.medad("prune", "--apply").stdout.endswith("2 orphans removed\n")
    assert not orphan.parent.exists()
    assert (results / "tables").is_dir()
    assert page.exists()
    assert (results / "audit/empty").is_dir()
    assert len(project.records()) == records
    assert project.medad("prune").stdout.startswith("0 orphans")


def test_a_bad_override_is_one_line(finished: Project) -> None:
    done = finished.medad("prune", "--config", "moon", check=False)
    assert done.returncode == 2
    assert done.stderr == "medad: --config: got 'moon'; write KEY=VALUE\n"
