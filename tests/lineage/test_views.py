"""Views are neither orphans for `medad prune` nor extra files for `medad verify`."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from project import Project

from medad.lineage import summary, views

pytestmark = pytest.mark.engine


def test_views_are_left_alone(copy: Callable[[], Project]) -> None:
    project = copy()
    summary.write(project.root)
    (project.root / views.PAGES).mkdir(parents=True, exist_ok=True)
    (project.root / views.PAGES / "view.txt").write_text("made from results")
    assert "verified" in project.medad("verify").stdout
    assert project.medad("prune").stdout.startswith("0 orphans")
    (project.root / "results" / "other.txt").write_text("of nobody")
    assert "results/other.txt" in project.medad("verify", check=False).stdout
    assert "results/other.txt" in project.medad("prune").stdout
