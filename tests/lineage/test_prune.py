from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from project import Project

from medad.lineage import prune
from medad.lineage.locks import try_lock

pytestmark = pytest.mark.engine


def test_orphans_are_listed_then_removed_and_nothing_else(copy: Callable[[], Project]) -> None:
    project = copy()
    assert project.medad("prune").stdout.startswith("0 orphans")
    project.change({"runs": {"shots": [2]}})
    listed = project.medad("prune").stdout.splitlines()[:-1]
    assert listed
    assert all("/k4/" in name for name in listed)
    assert all((project.root / name).exists() for name in listed)
    kept = {p for p in (project.root / "results").rglob("*") if p.is_file()}
    project.medad("prune", "--apply")
    gone = {project.root / name for name in listed}
    assert {p for p in (project.root / "results").rglob("*") if p.is_file()} == kept - gone
    assert not (project.root / "results/scores/phantom/grouped/padim/k4").exists()


def test_folders_that_were_emptied_go_and_stages_stay(tmp_path: Path) -> None:
    paths = ["results/a.txt", "results/tables/old/deep/b.csv", "results/tables/c.csv"]
    for path in (*paths, "results/heads/kept/d.csv"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("")
    (tmp_path / "results/heads/empty").mkdir()
    prune.remove(tmp_path, paths)
    left = sorted(p.relative_to(tmp_path).as_posix() for p in tmp_path.glob("results/**/*"))
    assert left == [
        *("results/heads", "results/heads/empty", "results/heads/kept"),
        *("results/heads/kept/d.csv", "results/tables"),
    ]


def test_what_was_pruned_is_restored_not_computed(copy: Callable[[], Project]) -> None:
    project = copy()
    project.change({"runs": {"shots": [2]}})
    project.snakemake()
    project.medad("prune", "--apply")
    before = len(project.records())
    project.change({"runs": {"shots": [2, 4]}})
    project.snakemake()
    assert {action for action, _ in project.actions(before)} == {"restored"}


def test_nothing_is_pruned_while_a_run_is_active(copy: Callable[[], Project]) -> None:
    project = copy()
    lock = try_lock(project.root / ".prov/run.lock")
    assert lock is not None
    with lock:
        done = project.medad("prune", check=False)
    assert done.returncode == 2
    assert "a run is active in this folder" in done.stderr
