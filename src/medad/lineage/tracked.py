"""Where the MLflow runs of steps are, without importing mlflow or asking a server."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from medad.lineage.graph import Node
from medad.tracking.state import sqlite_file, told


def report(root: Path, nodes: Iterable[Node]) -> dict[str, Any]:
    """``mlflow``: manifest -> run id. ``tracking``: the store, and how to get at each run.

    ``uri`` is None when nothing has been tracked; it never holds a password. ``experiments`` maps
    a run id to its experiment, for a SQLite store that can be read; else ``problem`` says why not.
    ``links`` maps a run id to its page, for a server. MedadError for a damaged .prov/tracked.json.
    """
    state = told(root)
    if state is None:
        return {"mlflow": {}, "tracking": {"uri": None}}
    known, uri = state["runs"], state["uri"]
    keys = {node.path: node.manifest["key"] for node in nodes}
    runs = {path: known[key] for path, key in keys.items() if key in known}
    return {"mlflow": runs, "tracking": _tracking(root, uri, list(runs.values()))}


def _tracking(root: Path, uri: str, runs: list[str]) -> dict[str, Any]:
    path = sqlite_file(uri)
    if path is not None:
        near = path.relative_to(root) if path.is_relative_to(root) else path
        return {"uri": f"sqlite:///{near.as_posix()}", **_experiments(path, runs)}
    shown = _without_password(uri)
    if uri.startswith(("http://", "https://")):
        # The UI's own route from a run's id alone: the experiment is not known here.
        return {"uri": shown, "links": {run: f"{shown.rstrip('/')}/#/runs/{run}" for run in runs}}
    return {"uri": shown}


def _experiments(path: Path, runs: list[str]) -> Mapping[str, Any]:
    """Experiments of runs. A store that is away or in use is said, for MLflow is only a view."""
    query = "SELECT run_uuid, experiment_id FROM runs WHERE run_uuid = ?"
    try:
        with closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True)) as store:
            found = [row for run in runs for row in store.execute(query, (run,))]
    except sqlite3.Error as error:
        return {"experiments": {}, "problem": str(error)}
    return {"experiments": {run: str(experiment) for run, experiment in found}}


def _without_password(uri: str) -> str:
    parts = urlsplit(uri)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
