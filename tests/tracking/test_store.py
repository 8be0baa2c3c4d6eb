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


def content(root: Path) -> dict[str, list[tuple[str, ...]]]:
    """All that MLflow's own tables say of steps, by our key: no run id is the same twice."""
    with closing(sqlite3.connect(root / "mlflow.db")) as database:
        keys = "JOIN tags t ON t.run_uuid = x.run_uuid AND t.key = 'medad.key'"
        queries = {
            "metrics": f"SELECT t.value, x.key, x.step, x.value, x.timestamp FROM metrics x {keys}",
            "params": f"SELECT t.value, x.key, x.value FROM params x {keys}",
            "tags": f"SELECT t.value, x.key, x.value FROM tags x {keys}"
            " WHERE x.key != 'mlflow.parentRunId'",
            "parents": "SELECT t.value, c.value FROM tags x JOIN tags t ON t.run_uuid = x.run_uuid"
            " AND t.key = 'medad.key' JOIN tags c ON c.run_uuid = x.value AND c.key = 'medad.cell'"
            " WHERE x.key = 'mlflow.parentRunId'",
            "inputs": "SELECT t.value, d.name, d.digest, d.dataset_source, d.dataset_profile,"
            " g.value FROM inputs x"
            " JOIN tags t ON t.run_uuid = x.destination_id AND t.key = 'medad.key'"
            " JOIN datasets d ON d.dataset_uuid = x.source_id"
            " JOIN input_tags g ON g.input_uuid = x.input_uuid",
        }
        return {name: sorted(database.execute(query)) for name, query in queries.items()}


def view(root: Path) -> list[tuple[str, ...]]:
    """Experiment, name, kind and version or key of every run, and how many things it logs."""
    with closing(sqlite3.connect(root / "mlflow.db")) as database:
        counts = ", ".join(
            f"(SELECT count(*) FROM {table} x WHERE x.run_uuid = r.run_uuid)"
            for table in ("metrics", "params", "tags")
        )
        query = f"""
            SELECT e.name, r.name, k.value, v.value, r.status, r.start_time, {counts}
            FROM runs r JOIN experiments e USING (experiment_id)
            JOIN tags k ON k.run_uuid = r.run_uuid AND k.key = 'medad.kind'
            JOIN tags v ON v.run_uuid = r.run_uuid AND v.key IN ('medad.key', 'medad.version')"""
        return sorted(database.execute(query))


def test_the_engine_logged_every_run_and_point_once(finished: Project) -> None:
    """Nobody asked for it: the command that made the table did it."""
    logged = content(finished.root)
    metrics, params = logged["metrics"], logged["params"]
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
        steps = "SELECT name FROM runs JOIN tags USING (run_uuid) WHERE key = 'medad.key'"
        names = {name for (name,) in database.execute(steps)}
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
    before = content(project.root), view(project.root)
    (project.root / "mlflow.db").unlink()
    assert tracking.track(project.root) == 18
    assert (content(project.root), view(project.root)) == before


def test_a_store_that_was_moved_leads_to_the_files_beside_it(
    copy: Callable[[], Project], finished: Project
) -> None:
    project = copy()
    assert tracking.track(project.root) == 0
    with closing(sqlite3.connect(project.root / "mlflow.db")) as database:
        uris = [uri for (uri,) in database.execute("SELECT artifact_uri FROM runs")]
        table = "WHERE run_uuid IN (SELECT run_uuid FROM tags WHERE value = 'table')"
        ((uri,),) = database.execute(f"SELECT artifact_uri FROM runs {table}")
    assert all(one.startswith(f"file://{project.root}/mlruns/medad/table1/") for one in uris)
    shown = Path(uri.removeprefix("file://")) / "table1.csv"
    assert shown.read_bytes() == finished.table()


def test_a_half_written_run_is_completed(copy: Callable[[], Project]) -> None:
    project = copy()
    before = content(project.root), view(project.root)
    with closing(sqlite3.connect(project.root / "mlflow.db")) as database, database:
        database.execute("DELETE FROM metrics WHERE step = 1")
        database.execute("DELETE FROM tags WHERE key = 'mlflow.parentRunId'")
        database.execute("DELETE FROM inputs")
        database.execute("UPDATE runs SET status = 'RUNNING', end_time = NULL")
    (project.root / tracking.STATE).unlink()
    assert tracking.track(project.root) == 18
    assert (content(project.root), view(project.root)) == before


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
    run = {"dataset": "phantom", "split": "grouped", "method": "consult", "k": 2, "r": 7}
    about = {"kind": "stage1", "identity": run, "params": {"seed": 0}, "started": 5.0}
    (folder / "abc.json").write_text(json.dumps(about))
    (folder / "abc.jsonl").write_text('{"step": 0, "loss": 0.5, "time": 1}\n{"step": 1, "lo')
    figure = {"kind": "figure", "identity": {"figure": "figure3"}, "params": {}, "started": 5.0}
    (folder / "def.json").write_text(json.dumps(figure))
    (folder / "def.jsonl").write_text('{"step": 0, "loss": 0.5, "time": 1}\n')
    (found,) = tracking.live(project.root)
    assert found.points == [("loss", 0, 0.5)]
    assert (found.key, found.started_ms, found.finished) == ("abc", 5000, False)
    tracking.follow(project.root, 0.0, lambda: False)
    assert ("abc", "loss", 0, 0.5, 5000) in content(project.root)["metrics"]
    named = [(row[0], row[4]) for row in view(project.root) if row[1].endswith("/r7")]
    assert named == [("medad/runs", "RUNNING")]  # no table asks for a replicate 7
