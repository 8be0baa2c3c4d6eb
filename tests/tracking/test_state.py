from __future__ import annotations

import json
from pathlib import Path

import pytest

from medad.tracking import state


def test_the_store_is_the_users_choice(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:5000")
    assert state.store_uri(tmp_path) == "http://127.0.0.1:5000"
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    assert state.store_uri(tmp_path) == f"sqlite:///{tmp_path}/mlflow.db"


def test_a_state_from_before_tables_had_experiments_counts_as_none(tmp_path: Path) -> None:
    (tmp_path / "mlflow.db").touch()
    (tmp_path / ".prov").mkdir()
    uri = state.store_uri(tmp_path)
    known = {"uri": uri, "runs": {"a": "1"}}
    (tmp_path / state.STATE).write_text(json.dumps(known))
    assert state.tracked(tmp_path, uri).runs == {}
    (tmp_path / state.STATE).write_text(json.dumps({**known, "tables": {"b": "2"}}))
    assert state.tracked(tmp_path, uri).runs == {"a": "1"}
    assert state.tracked(tmp_path, uri).tables == {"b": "2"}
    assert state.tracked(tmp_path, "sqlite:////elsewhere.db").runs == {}
    assert state.artifact_root(tmp_path) == f"file://{tmp_path}/mlruns"
