"""Where the MLflow store is, and what it is known to hold without asking it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from medad.files import read_json

STATE = ".prov/tracked.json"


@dataclass(frozen=True)
class Tracked:
    """What a store is known to hold: run by key of a step, and by version of a table."""

    runs: Mapping[str, str]
    tables: Mapping[str, str]


def store_uri(root: Path) -> str:
    """MLFLOW_TRACKING_URI, or a SQLite file in the project."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{root / 'mlflow.db'}"


def artifact_root(root: Path) -> str:
    """Where artifacts lie when the store is a file in the project."""
    return (root / "mlruns").as_uri()


def sqlite_file(uri: str) -> Path | None:
    """The file of a SQLite store; None for a server."""
    return Path(uri.removeprefix("sqlite:///")) if uri.startswith("sqlite:///") else None


def tracked(root: Path, uri: str) -> Tracked:
    """What is in the store at ``uri``; nothing when a SQLite store has been deleted."""
    path, file = root / STATE, sqlite_file(uri)
    if not path.exists() or (file is not None and not file.exists()):
        return Tracked({}, {})
    found = read_json(path)
    # Before tables had experiments nothing was said of them, and runs lay elsewhere.
    if found["uri"] != uri or "tables" not in found:
        return Tracked({}, {})
    return Tracked(found["runs"], found["tables"])
