from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest
from project import Project
from small_project import Small, run

from medad import layout
from medad.files import read_json, write_json
from medad.lineage.locks import locked
from medad.lineage.verify import verify
from medad.reporting.table import COLUMNS
from medad.tracking import tables
from medad.tracking.entries import numbers, parameters
from medad.tracking.state import LOCK

# The tables and columns of MLflow's that are read; `experiment_id` says that it does not matter.
SCHEMA = """
create table runs (run_uuid, name, status, lifecycle_stage, experiment_id);
create table tags ("key", value, run_uuid);
create table params ("key", value, run_uuid);
create table metrics ("key", value, timestamp, run_uuid, step, is_nan);
create table latest_metrics ("key", value, timestamp, step, is_nan, run_uuid);
"""
TABLE = "results/tables/table1.csv"


def log(
    root: Path,
    name: str,
    title: str,
    tag: tuple[str, str],
    params: dict[str, str],
    points: list[tuple[str, int, float]],
    status: str = "FINISHED",
) -> None:
    """A run as `medad track` leaves it."""
    with closing(sqlite3.connect(root / "mlflow.db")) as db:
        db.execute("insert into runs values (?, ?, ?, 'active', 1)", (name, title, status))
        db.execute("insert into tags values (?, ?, ?)", (*tag, name))
        rows = [(one, held, name) for one, held in params.items()]
        db.executemany("insert into params values (?, ?, ?)", rows)
        held = [(one, value, 5, name, step) for one, step, value in points]
        db.executemany("insert into metrics values (?, ?, ?, ?, ?, 0)", held)
        last = {one: (one, value, 5, step, name) for one, step, value in sorted(points)}
        db.executemany("insert into latest_metrics values (?, ?, ?, ?, 0, ?)", last.values())
        db.commit()


def add(root: Path, number: int, method: str, value: float, status: str = "FINISHED") -> None:
    """The run of a method's metrics, which shows a value."""
    key = read_json(root / layout.manifest("metrics", run(method)))["key"]
    params = {name: str(held) for name, held in {**run(method), "seed": 0}.items()}
    log(root, f"run{number}", method, ("medad.key", key), params, [("auroc", 0, value)], status)


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
            "update latest_metrics set step = 1 where run_uuid = 'run1'",
            "shows 0.97 as the last auroc at step 1; its artifacts say 0.97 at step 0",
        ),
        (
            "insert into latest_metrics values ('other', 0.5, 5, 0, 0, 'run1')",
            "shows 0.5 as the last other; its artifacts have none",
        ),
        (
            "delete from latest_metrics where run_uuid = 'run1'",
            "lacks 1 last values, such as that of metric auroc",
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


@pytest.mark.parametrize("status", ["RUNNING", "FAILED"])
def test_a_run_that_is_not_complete_may_lack_points_but_has_no_wrong_ones(
    root: Path, status: str
) -> None:
    execute(
        root,
        f"update runs set status = '{status}' where run_uuid = 'run1'",
        "delete from metrics where run_uuid = 'run1'",
        "delete from latest_metrics where run_uuid = 'run1'",
        "delete from params where run_uuid = 'run1' and \"key\" = 'seed'",
    )
    assert problems(root) == []
    execute(root, "insert into metrics values ('auroc', 0.5, 5, 'run1', 0, 0)")
    assert problems(root) == ["metric auroc is 0.5 at step 0; its artifacts say 0.97"]
    execute(
        root,
        "delete from metrics where run_uuid = 'run1'",
        "insert into latest_metrics values ('auroc', 0.99, 5, 0, 0, 'run1')",
    )
    assert problems(root) == ["shows 0.99 as the last auroc; its artifacts say 0.97"]


def test_a_curve_that_is_being_written_may_end_early(tmp_path: Path) -> None:
    """Its last value is then any that its artifacts have."""
    events = b'{"step": 0, "loss": 2.0}\n{"step": 1, "loss": 1.0}\n'
    Small(tmp_path).step("stage1", run("c"), {}, {"events": events, "weights": b"w"})
    found = read_json(tmp_path / layout.manifest("stage1", run("c")))
    with closing(sqlite3.connect(tmp_path / "mlflow.db")) as database:
        database.executescript(SCHEMA)
    points = [("loss", 0, 2.0)]
    log(tmp_path, "r", "c", ("medad.key", found["key"]), parameters(found), points, "RUNNING")
    assert problems(tmp_path) == []
    execute(tmp_path, "update runs set status = 'FINISHED'")
    assert problems(tmp_path) == [
        "lacks 1 points, such as metric loss at step 1",
        "shows 2.0 as the last loss at step 0; its artifacts say 1.0 at step 1",
    ]


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


@pytest.mark.parametrize("table", ["runs", "tags", "params", "metrics", "latest_metrics"])
def test_a_store_without_a_table_is_a_problem_unless_it_is_being_made(
    root: Path, table: str
) -> None:
    execute(root, "delete from tags", f"drop table {table}")
    [found] = verify(root)[0]
    assert (found.path, found.problem) == (
        "mlflow.db",
        f"cannot be read (no such table: {table}); delete it and `medad track` makes it again",
    )
    with locked(root / LOCK):
        assert verify(root) == ([], [f"mlflow.db: not compared (no such table: {table})"])
    assert len(verify(root)[0]) == 1


def test_a_damaged_file_is_a_problem_and_one_in_use_a_note(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(sqlite3.connect(root / "mlflow.db")) as other, monkeypatch.context() as patched:
        patched.setattr(sqlite3, "connect", partial(sqlite3.connect, timeout=0))
        other.execute("begin exclusive")
        assert verify(root) == ([], ["mlflow.db: not compared (database is locked)"])
    (root / "mlflow.db").write_bytes(b"no database" * 1000)
    [found] = verify(root)[0]
    assert found.path == "mlflow.db"
    assert "cannot be read (file is not a database)" in found.problem


@pytest.fixture
def tabled(root: Path) -> Path:
    """With a table u of one method, whose runs are logged: its own and that of a cell."""
    values = b'{"auroc": 0.61538}'
    small, name = Small(root), "metrics/d/s/c/k2/r0"
    made = small.step("metrics", run("c"), {}, {"metrics": values})["metrics"]
    found = read_json(root / layout.manifest("metrics", run("c")))
    key, points = ("medad.key", found["key"]), numbers(root, found)
    log(root, "run3", "c", key, parameters(found), points)
    cell = {
        "value": 0.61538,
        "decimals": 4,
        "n": 1,
        "aggregation": "mean over draws",
        "metrics": [name],
        "intervals": "intervals/d/s",
    }
    cells = {"cells": {"d/s/C/K2": cell}}
    said = {"dataset": "d", "split": "s", "row": "C", "method": "c", "standing": "reading"}
    said |= {"shots": "2", "auroc": "0.6154", "low": "0.3430", "high": "0.8", "n": "1"}
    line = [{**said, "auroc_grouped": "0.6"}.get(name, "") for name in COLUMNS]
    csv = f"{','.join(COLUMNS)}\n{','.join(line)}\n".encode()
    outputs = {"csv": csv, "markdown": b"md", "cells": json.dumps(cells).encode()}
    params = {"title": "U", "source": "here", "metric": "auroc", "baseline": "b"}
    small.step("table", {"table": "u"}, {name: made}, outputs, params)
    manifest = read_json(root / layout.manifest("table", {"table": "u"}))
    table = tables.Table("u", manifest, ())
    [cell] = tables.cells(root, table, origins=False)
    for number, entry in enumerate([tables.whole(root, table, origins=False), cell.entry]):
        tag = (entry.tag, entry.key)
        log(root, f"shown{number}", entry.name, tag, entry.params, entry.points)
    return root


UNREAD = "mlflow.db: runs of t not compared: what they show cannot be read"  # made up too simply


def test_runs_of_tables_and_cells_that_show_what_is_here_are_no_news(tabled: Path) -> None:
    assert verify(tabled) == ([], [UNREAD])
    assert verify(tabled, "results/tables/u.csv") == ([], [])


@pytest.mark.parametrize(
    ("statement", "title", "problem"),
    [
        (
            "update metrics set value = 0.99 where run_uuid = 'shown0'",
            "u",
            "metric d/s/c is 0.99 at step 2; its artifacts say 0.6154",
        ),
        (
            "update metrics set value = 0.99 where run_uuid = 'shown1' and \"key\" = 'auroc'",
            "C, K2 (d, s)",
            "metric auroc is 0.99 at step 0; its artifacts say 0.61538",
        ),
        (
            "delete from latest_metrics where run_uuid = 'shown1'",
            "C, K2 (d, s)",
            "lacks 5 last values, such as that of metric auroc",
        ),
        (
            "update params set value = 'literal' where value = 'reading'",
            "C, K2 (d, s)",
            "parameter standing is literal; its table says reading",
        ),
    ],
)
def test_what_was_edited_in_runs_of_tables_and_cells_is_found(
    tabled: Path, statement: str, title: str, problem: str
) -> None:
    execute(tabled, statement)
    for target in (None, "results/tables/u.csv"):
        [found] = verify(tabled, target)[0]
        assert found.path.endswith(f"({title})")
        assert found.problem == problem
    assert verify(tabled, layout.output("metrics", run("c"), "metrics")) == ([], [])


def test_runs_of_tables_that_are_wrong_or_of_another_version_are_left_alone(tabled: Path) -> None:
    edit = "update metrics set value = 0.99 where run_uuid like 'shown%'"
    execute(tabled, edit)
    assert len(verify(tabled)[0]) == 6
    kept = (tabled / "results/tables/u.csv").read_bytes()
    (tabled / "results/tables/u.csv").write_bytes(b"other")
    assert [one.path for one in verify(tabled)[0]] == ["results/tables/u.csv"]
    (tabled / "results/tables/u.csv").write_bytes(kept)
    execute(tabled, "update tags set value = 'older' where run_uuid like 'shown%'")
    note = "mlflow.db: 2 finished runs are not there; `medad track` adds new ones"
    assert verify(tabled) == ([], [UNREAD, note])
    for name in ("csv", "md", "cells.json", "manifest.json"):
        (tabled / f"results/tables/u.{name}").unlink()
    assert verify(tabled) == ([], [UNREAD])


def test_a_damaged_manifest_below_a_table_leaves_its_own_run_judged(tabled: Path) -> None:
    path = layout.manifest("metrics", run("c"))
    (tabled / path).write_text((tabled / path).read_text().replace('"seed": 0', '"seed": 1'))
    execute(tabled, "update metrics set value = 0.99 where run_uuid = 'shown0'")
    found = [(one.path, one.problem) for one in verify(tabled)[0]]
    assert [one for one in found if one[0].startswith("mlflow.db")] == [
        ("mlflow.db: run shown0 (u)", "metric d/s/c is 0.99 at step 2; its artifacts say 0.6154")
    ]
    assert path in dict(found)


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


@pytest.mark.engine
@pytest.mark.parametrize(("kind", "runs"), [("cell", 9), ("table", 1)])
def test_runs_of_tables_as_mlflow_wrote_them_are_judged(
    finished: Project, database: sqlite3.Connection, kind: str, runs: int
) -> None:
    tagged = f"select run_uuid from tags where value = '{kind}' and \"key\" = 'medad.kind'"
    database.execute(f"update latest_metrics set value = 0.123 where run_uuid in ({tagged})")
    database.commit()
    assert len({one.path for one in verify(finished.root)[0]}) == runs
