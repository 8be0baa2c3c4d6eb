from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from project import Project

from medad import tracking
from medad.lineage.locks import try_lock

pytestmark = pytest.mark.engine


def content(root: Path) -> tuple[list[tuple[str, ...]], list[tuple[str, ...]]]:
    """Every metric point and parameter in MLflow's own tables, by our key, not by run id."""
    with sqlite3.connect(root / "mlflow.db") as database:
        keys = "JOIN tags t ON t.run_uuid = x.run_uuid AND t.key = 'medad.key'"
        metrics = database.execute(
            f"SELECT t.value, x.key, x.step, x.value, x.timestamp FROM metrics x {keys}"
        ).fetchall()
        params = database.execute(f"SELECT t.value, x.key, x.value FROM params x {keys}").fetchall()
    return sorted(metrics), sorted(params)


def test_the_engine_logged_every_run_and_point_once(finished: Project) -> None:
    """Nobody asked for it: the command that made the table did it."""
    metrics, params = content(finished.root)
    curves = list((finished.root / "results/stage1").rglob("*.events.jsonl"))
    runs = [
        path
        for path in (finished.root / "results/metrics").rglob("*.json")
        if path.name in ("r0.json", "r1.json")
    ]
    numbers = 0
    for path in runs:
        values = json.loads(path.read_text()).values()
        numbers += sum(isinstance(value, int | float) for value in values)
    for path in curves:
        for line in path.read_text().splitlines():
            numbers += sum(isinstance(v, int | float) for v in json.loads(line).values()) - 1
    assert len(metrics) == len(set(metrics)) == numbers
    assert len({key for key, *_ in params}) == len(curves) + len(runs) == 8
    with sqlite3.connect(finished.root / "mlflow.db") as database:
        assert database.execute("SELECT DISTINCT status FROM runs").fetchall() == [("FINISHED",)]
        names = {name for (name,) in database.execute("SELECT name FROM runs")}
    places = [path.relative_to(finished.root / "results/metrics").with_suffix("") for path in runs]
    assert {path.as_posix() for path in places} <= names
    assert len(names) == len(places)  # a training has the name of its run's metrics


def test_tracking_again_adds_nothing_and_imports_nothing(finished: Project) -> None:
    before = content(finished.root)
    code = (
        "import sys; from medad.cli.main import main; main(['track']); "
        "assert 'mlflow' not in sys.modules"
    )
    finished.run("python", "-c", code)
    assert content(finished.root) == before


def test_a_deleted_store_is_rebuilt_to_the_same_content(copy: Callable[[], Project]) -> None:
    project = copy()
    before = content(project.root)
    (project.root / "mlflow.db").unlink()
    project.medad("track")
    assert content(project.root) == before


def test_a_half_written_run_is_completed(copy: Callable[[], Project]) -> None:
    project = copy()
    before = content(project.root)
    with sqlite3.connect(project.root / "mlflow.db") as database:
        database.execute("DELETE FROM metrics WHERE step = 1")
        database.execute("UPDATE runs SET status = 'RUNNING', end_time = NULL")
    (project.root / tracking.STATE).unlink()
    project.medad("track")
    assert content(project.root) == before


def test_one_writer_at_a_time(copy: Callable[[], Project]) -> None:
    project = copy()
    (project.root / "mlflow.db").unlink()
    held = try_lock(project.root / ".prov" / "track.lock")
    assert held is not None
    done = project.medad("track", check=False)
    assert done.returncode == 2
    assert "another `medad track` is running" in done.stderr
    held.close()


def test_a_locked_database_warns_and_breaks_nothing(copy: Callable[[], Project]) -> None:
    project = copy()
    (project.root / tracking.STATE).unlink()
    with closing(sqlite3.connect(project.root / "mlflow.db")) as database:
        database.execute("BEGIN IMMEDIATE")
        done = project.medad("track", "--quiet")
    assert "warning: not logged to MLflow" in done.stderr
    assert "database is locked" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_store_that_cannot_be_opened_is_an_error(copy: Callable[[], Project]) -> None:
    project = copy()
    (project.root / tracking.STATE).unlink()
    (project.root / "mlflow.db").unlink()
    (project.root / "mlflow.db").mkdir()
    done = project.medad("track", check=False)
    assert done.returncode == 2
    assert "unable to open database file" in done.stderr


def test_live_curves_come_before_the_step_ends(copy: Callable[[], Project]) -> None:
    project = copy()
    folder = project.root / ".prov/live"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    about = {"kind": "stage1", "identity": {"k": 2}, "params": {"seed": 0}, "started": 5.0}
    (folder / "abc.json").write_text(json.dumps(about))
    (folder / "abc.jsonl").write_text('{"step": 0, "loss": 0.5, "time": 1}\n{"step": 1, "lo')
    (found,) = tracking.live(project.root)
    assert found.points == [("loss", 0, 0.5)]
    assert (found.key, found.started_ms, found.finished) == ("abc", 5000, False)
    tracking.follow(project.root, 0.0, lambda: False)
    assert ("abc", "loss", 0, 0.5, 5000) in content(project.root)[0]


def test_the_store_is_the_users_choice(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:5000")
    assert tracking.store_uri(tmp_path) == "http://127.0.0.1:5000"
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    assert tracking.store_uri(tmp_path) == f"sqlite:///{tmp_path}/mlflow.db"
