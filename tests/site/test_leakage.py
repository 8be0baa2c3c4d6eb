"""The leakage page against the split's report."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest
from pages import Site, plain, reseal
from project import Project

from medad.site.build import build

pytestmark = pytest.mark.engine


def test_leakage_lists_every_group_and_its_effect(site: Site) -> None:
    page = plain(site.read("leakage.html"))
    place = site.project.root / "results/splits/phantom/grouped.leakage.json"
    report = json.loads(place.read_text())
    for group in report["repeated"]:
        assert re.search(rf"Group {group['group']}\s+near copies", page)
        assert all(path in page for path in group["paths"])
    intervals = site.project.root / "results/metrics/phantom/grouped/table1.intervals.json"
    levels = json.loads(intervals.read_text())["levels"]["consult"]["4"]
    assert re.search(
        rf"CONSULT, K = 4\s+table1\s+{levels['auroc']:.3f}\s+{levels['value']:.3f}", page
    )


def test_conflicts_and_copies_across_parts_are_flagged(copy: Callable[[], Project]) -> None:
    project = copy()
    file = project.root / "results/splits/phantom/grouped.leakage.json"
    report = json.loads(file.read_text())
    report["across"]["pool/test"] = 2
    report["conflicting"] = [report["repeated"][1]["group"]]
    file.write_text(json.dumps(report))
    reseal(project.root)
    build(project.root, project.root / "results/audit", lambda *_: None)
    site = Site(project, project.root / "results/audit")
    page = plain(site.read("leakage.html"))
    assert re.search(r"copies across pool and test\s+2 groups", page)
    first = page[page.index("Groups of copies") :]
    assert re.search(rf"Group {report['conflicting'][0]}\s+near copies\s+both labels", first)
    assert first.index("both labels") < first.index(f"Group {report['repeated'][0]['group']}")
    warned = plain(site.read(site.cell("PaDiM", "K2")))
    assert "2 groups of copies across pool/test" in warned
    assert "1 group of copies with both labels" in warned
