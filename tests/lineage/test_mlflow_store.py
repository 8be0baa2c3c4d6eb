from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from project import Project
from small_project import Small, run

from medad import layout
from medad.files import read_json, write_json
from medad.lineage.verify import verify

# The tables and columns of MLflow's that are read; `experiment_id` says that it does not matter.
SCHEMA = """
create table runs (run_uuid, name, status, lifecycle_stage, experiment_id);
create table tags ("key", value, run_uuid);
create table params ("key", value, run_uuid);
create table metrics ("key", value, timestamp, run_uuid, step, is_nan);
create table latest_metrics ("key", value, timestamp, step, is_nan, run_uuid);
"""
TABLE = "results/tables/table1.csv"


def add(root: Path, number: int, method: str, value: float, status: str = "FINISHED") -> None:
    """A run as `medad track` leaves it."""
    key = read_json(root / layout.manifest("metrics", run(method)))["key"]
    name = f"run{number}"
    with sqlite3.connect(root / "mlflow.db") as db:
        db.execute("insert into runs values (?, ?, ?, 'active', ?)", (name, method, status, number))
        db.execute("insert into tags values ('medad.key', ?, ?)", (key, name))
        params = {**run(method), "seed": 0}
        rows = [(one, str(held), name) for one, held in params.items()]
        db.executemany("insert into params values (?, ?, ?)", rows)
        db.execute("insert into metrics values ('auroc', ?, 5, ?, 0, 0)", (value, name))
        db.execute("insert into latest_metrics values ('auroc', ?, 5, 0, 0, ?)", (value, name))


def execute(root: Path, *statements: str) -> None:
    with closing(sqlite3.connect(root / "mlflow.db")) as database:
        for statement in statements:
            database.execute(statement)
        database.commit()


def problems(root: Path) -> list[str]:
    return [one.problem for one in verify(root)[0]]


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    Small(tmp_path)
    with closing(sqlite3.connect(tmp_path / "mlflow.db")) as database:
        database.executescript(SCHEMA)
    add(tmp_path, 1, "a", 0.97)
    add(tmp_path, 2, "b", 0.98)
    return tmp_path


def test_runs_that_show_what_is_here_are_no_news(root: Path) -> None:
    assert verify(root) == ([], [])


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        (
            "update metrics set value = 0.99 where run_uuid = 'run1'",
            "metric auroc is 0.99 at step 0; its artifacts say 0.97",
        ),
        (
            "update metrics set is_nan = 1 where run_uuid = 'run1'",
            "metric auroc is None at step 0; its artifacts say 0.97",
        ),
        (
            "insert into metrics values ('auroc', 0.97, 6, 'run1', 1, 0)",
            "metric auroc is 0.97 at step 1; its artifacts have none",
        ),
        (
            "insert into metrics values ('auroc', 0.97, 6, 'run1', 0, 0)",
            "metric auroc is 0.97 at step 0; its artifacts say 0.97",
        ),
        (
            "insert into metrics values ('other', 0.5, 6, 'run1', 0, 0)",
            "metric other is 0.5 at step 0; its artifacts have none",
        ),
        (
            "delete from metrics where run_uuid = 'run1'",
            "lacks 1 points, such as metric auroc at step 0",
        ),
        (
            "update latest_metrics set value = 0.5 where run_uuid = 'run1'",
            "shows 0.5 as the last auroc; its artifacts say 0.97",
        ),
        (
            "update params set value = 'x' where \"key\" = 'method' and run_uuid = 'run1'",
            "parameter method is x; its manifest says a",
        ),
        (
            "delete from params where \"key\" = 'seed' and run_uuid = 'run1'",
            "parameter seed is absent; its manifest says 0",
        ),
        (
            "insert into params values ('more', '1', 'run1')",
            "parameter more is 1; its manifest says absent",
        ),
    ],
)
def test_what_was_edited_is_found_and_the_run_named(
    root: Path, statement: str, problem: str
) -> None:
    execute(root, statement)
    [found] = verify(root)[0]
    assert (found.path, found.problem) == ("mlflow.db: run run1 (a)", problem)


def test_runs_of_other_keys_or_none_are_left_alone(root: Path) -> None:
    edit = "update metrics set value = 0.5 where run_uuid = 'run1'"
    execute(root, edit, f"update tags set value = '{'ab' * 32}' where run_uuid = 'run1'")
    note = "mlflow.db: 1 finished runs are not there; `medad track` adds new ones"
    assert verify(root) == ([], [note])
    for statement in ("update tags set value = 'no key'", "delete from tags"):
        execute(root, f"{statement} where run_uuid = 'run1'")
        assert verify(root) == ([], [note])


def test_each_run_of_a_key_is_compared(root: Path) -> None:
    add(root, 3, "a", 0.5)
    assert problems(root) == [
        "metric auroc is 0.5 at step 0; its artifacts say 0.97",
        "shows 0.5 as the last auroc; its artifacts say 0.97",
    ]
    execute(root, "update runs set lifecycle_stage = 'deleted' where run_uuid = 'run3'")
    assert problems(root) == []


def test_a_run_that_is_being_written_may_lack_points_but_has_no_wrong_ones(root: Path) -> None:
    execute(
        root,
        "update runs set status = 'RUNNING' where run_uuid = 'run1'",
        "delete from metrics where run_uuid = 'run1'",
        "delete from params where run_uuid = 'run1' and \"key\" = 'seed'",
    )
    assert problems(root) == []
    execute(root, "insert into metrics values ('auroc', 0.5, 5, 'run1', 0, 0)")
    assert problems(root) == ["metric auroc is 0.5 at step 0; its artifacts say 0.97"]


def test_a_changed_artifact_is_not_held_against_its_run(root: Path) -> None:
    path = layout.output("metrics", run("a"), "metrics")
    (root / path).write_text('{"auroc": 0.1}')
    assert [one.path for one in verify(root)[0]] == [path]


def test_the_run_of_an_artifact_that_was_not_published_is_not_compared(root: Path) -> None:
    path = layout.output("metrics", run("a"), "metrics")
    about = read_json(root / layout.manifest("metrics", run("a")))["outputs"]["metrics"]
    write_json(root / ".prov/unpublished.json", {path: about["sha256"]})
    (root / path).unlink()
    findings, notes = verify(root)
    assert findings == []
    assert "mlflow.db: 1 runs not compared: their artifacts are not here" in notes


def test_a_damaged_file_is_a_problem_and_another_database_a_note(root: Path) -> None:
    execute(root, "drop table tags")
    assert verify(root) == ([], ["mlflow.db: not compared (no such table: tags)"])
    (root / "mlflow.db").write_bytes(b"no database" * 1000)
    [found] = verify(root)[0]
    assert found.path == "mlflow.db"
    assert "cannot be read (file is not a database)" in found.problem


def test_a_server_is_not_asked(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://name:secret@localhost:1")
    assert verify(root) == ([], ["MLflow's store is no SQLite file; not compared"])
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{root / 'nowhere.db'}")
    assert verify(root) == ([], [])


@pytest.fixture
def database(
    finished: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[sqlite3.Connection]:
    """A copy of the file that MLflow itself wrote, in the place of the project's."""
    shutil.copy(finished.root / "mlflow.db", tmp_path / "copy.db")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'copy.db'}")
    with closing(sqlite3.connect(tmp_path / "copy.db")) as opened:
        yield opened


@pytest.mark.engine
def test_what_mlflow_itself_wrote_agrees_until_a_point_of_a_curve_is_edited(
    finished: Project, database: sqlite3.Connection
) -> None:
    assert verify(finished.root, TABLE) == ([], [])
    tagged = "select run_uuid from tags where value = 'stage1' and \"key\" = 'medad.kind'"
    edit = 'update metrics set value = value + 1 where "key" = (select "key" from metrics where '
    edit += f"run_uuid in ({tagged}) limit 1) and step = 0 and run_uuid = ({tagged} limit 1)"
    assert database.execute(edit).rowcount == 1
    database.commit()
    [found] = verify(finished.root, TABLE)[0]
    assert found.path.startswith("copy.db: run ")
    assert "at step 0; its artifacts say" in found.problem
