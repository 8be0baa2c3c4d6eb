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
    mine = results / "tables/old/table9.csv"
    alike = results / "records_of_mine/x.json"
    for path in (page, mine, alike):
        path.parent.mkdir(parents=True)
        path.write_text("x")
    (results / "audit/empty").mkdir()
    project.change({"runs": {"figures": []}})
    records = len(project.records())
    listed = project.medad("prune").stdout.splitlines()
    picture = "results/figures/phantom/grouped/figure1"
    assert listed == [
        *(f"{picture}.manifest.json", f"{picture}.png"),
        "kept: results/records_of_mine/x.json (no manifest names it)",
        "kept: results/tables/old/table9.csv (no manifest names it)",
        "2 orphans (--apply removes them)",
    ]
    assert (project.root / f"{picture}.png").exists()
    assert project.medad("prune", "--apply").stdout.endswith("2 orphans removed\n")
    assert not (project.root / picture).parent.exists()
    assert (results / "figures").is_dir()
    assert page.exists()
    assert mine.exists()
    assert (results / "audit/empty").is_dir()
    assert len(project.records()) == records
    assert "0 orphans" in project.medad("prune").stdout


def test_a_bad_override_is_one_line(finished: Project) -> None:
    done = finished.medad("prune", "--config", "moon", check=False)
    assert done.returncode == 2
    assert done.stderr == "medad: --config: got 'moon'; write KEY=VALUE\n"
