from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from project import Project

from medad.lineage import prune
from medad.lineage.locks import try_lock

pytestmark = pytest.mark.engine


def files(project: Project) -> set[Path]:
    return {path for path in (project.root / "results").rglob("*") if path.is_file()}


def test_orphans_are_listed_removed_and_restored_and_nothing_else(
    copy: Callable[[], Project],
) -> None:
    project = copy()
    project.change({"runs": {"shots": [2]}})
    # The table that lies here still rests on both.
    assert project.medad("prune", "--apply").stdout == "0 orphans removed\n"
    project.snakemake()
    own = {"results/tables/table1-notes.md", "results/select/report.md"}
    for name in own:
        (project.root / name).parent.mkdir(exist_ok=True)
        (project.root / name).write_text("by hand")
    changed = project.root / "results/scores/phantom/grouped/padim/k4/r0.parquet"
    changed.write_bytes(changed.read_bytes() + b"x")
    lines = project.medad("prune").stdout.splitlines()
    kept = {line for line in lines if line.startswith("kept: ")}
    assert {f"kept: {name} (no manifest names it)" for name in own} < kept
    assert all("by hand" in line or "no manifest" in line or "padim/k4" in line for line in kept)
    listed = set(lines[:-1]) - kept
    assert listed
    assert all("/k4/" in name for name in listed)
    before = files(project)
    project.medad("prune", "--apply")
    assert files(project) == before - {project.root / name for name in listed}
    assert project.medad("verify", "results/tables/table1.csv").returncode == 0
    assert not (project.root / "results/scores/phantom/grouped/patchcore/k4").exists()
    changed.unlink()
    count = len(project.records())
    project.change({"runs": {"shots": [2, 4]}})
    project.snakemake()
    assert {action for action, _ in project.actions(count)} == {"restored"}


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


def test_nothing_is_pruned_while_a_run_is_active(copy: Callable[[], Project]) -> None:
    project = copy()
    lock = try_lock(project.root / ".prov/run.lock")
    assert lock is not None
    with lock:
        done = project.medad("prune", check=False)
    assert done.returncode == 2
    assert "a run is active in this folder" in done.stderr
