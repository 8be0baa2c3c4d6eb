from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from medad.errors import MedadError
from medad.files import write_json
from medad.lineage.graph import Node
from medad.lineage.tracked import report
from medad.tracking import STATE
from medad.tracking.state import tracked

NODES = [Node("a.manifest.json", {"key": "ka"}), Node("b.manifest.json", {"key": "kb"})]


def track(root: Path, uri: str) -> None:
    write_json(root / STATE, {"uri": uri, "runs": {"ka": "run-a", "other": "run-o"}})


def test_nothing_tracked_is_said(tmp_path: Path) -> None:
    assert report(tmp_path, NODES) == {"mlflow": {}, "tracking": {"uri": None}}


def test_runs_of_a_sqlite_store_have_their_experiment(tmp_path: Path) -> None:
    path = tmp_path / "a % b?.db"
    with closing(sqlite3.connect(path)) as store, store:
        store.execute("CREATE TABLE runs (run_uuid TEXT, experiment_id INTEGER)")
        store.executemany("INSERT INTO runs VALUES (?, ?)", [("run-a", 7), ("run-o", 8)])
    track(tmp_path, f"sqlite:///{path}")
    found = report(tmp_path, NODES)
    assert found["mlflow"] == {"a.manifest.json": "run-a"}
    assert found["tracking"] == {"uri": "sqlite:///a % b?.db", "experiments": {"run-a": "7"}}


def test_a_store_that_is_away_is_said_and_not_made(tmp_path: Path) -> None:
    away = tmp_path / "away.db"
    track(tmp_path, f"sqlite:///{away}")
    found = report(tmp_path, NODES)
    assert found["mlflow"] == {"a.manifest.json": "run-a"}
    assert "unable to open" in found["tracking"]["problem"]
    assert not away.exists()


def test_runs_on_a_server_have_a_page_and_no_password(tmp_path: Path) -> None:
    track(tmp_path, "https://user:secret@mlflow.example.org/x/")
    found = report(tmp_path, NODES)["tracking"]
    page = "https://mlflow.example.org/x/#/runs/run-a"
    assert found == {"uri": "https://mlflow.example.org/x/", "links": {"run-a": page}}
    track(tmp_path, "postgresql://user:secret@host/db")
    assert report(tmp_path, NODES)["tracking"] == {"uri": "postgresql://host/db"}


def test_a_damaged_state_is_named(tmp_path: Path) -> None:
    (tmp_path / ".prov").mkdir()
    (tmp_path / STATE).write_text("{")
    with pytest.raises(MedadError, match=r"tracked\.json: not valid JSON"):
        report(tmp_path, NODES)


@pytest.mark.parametrize(
    "content",
    [
        {},
        [],
        {"uri": "sqlite:///x.db"},
        {"uri": None, "runs": {}},
        {"uri": "sqlite:///x.db", "runs": {"ka": 1}},
        {"uri": "sqlite:///x.db", "runs": {}, "tables": None},
    ],
)
def test_a_state_of_another_form_is_one_message_here_and_in_track(
    tmp_path: Path, content: object
) -> None:
    write_json(tmp_path / STATE, content)
    with pytest.raises(MedadError, match=r"tracked\.json: does not say .*; delete it and"):
        report(tmp_path, NODES)
    with pytest.raises(MedadError, match=r"tracked\.json: does not say .*; delete it and"):
        tracked(tmp_path, "http://localhost:1")
