"""Views are neither orphans for `medad prune` nor extra files for `medad verify`."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from project import Project

from medad.lineage import views

pytestmark = pytest.mark.engine


def test_views_are_left_alone(copy: Callable[[], Project]) -> None:
    project = copy()
    for folder in views.EVERY:
        (project.root / folder).mkdir(parents=True, exist_ok=True)
        (project.root / folder / "view.txt").write_text("made from results")
    assert "verified" in project.medad("verify").stdout
    assert "view.txt" not in project.medad("prune").stdout
    (project.root / "results" / "other.txt").write_text("of nobody")
    assert "results/other.txt" in project.medad("verify", check=False).stdout
    assert "results/other.txt" in project.medad("prune").stdout
