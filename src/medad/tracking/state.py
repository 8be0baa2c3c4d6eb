"""Where the MLflow store is, and what it is known to hold without asking it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from medad.errors import MedadError
from medad.files import read_json

STATE = ".prov/tracked.json"
LOCK = ".prov/track.lock"  # held by the one writer of the store


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
    file = sqlite_file(uri)
    found = None if file is not None and not file.exists() else told(root)
    # Before tables had experiments nothing was said of them, and runs lay elsewhere.
    if found is None or found["uri"] != uri or "tables" not in found:
        return Tracked({}, {})
    return Tracked(found["runs"], found["tables"])


def told(root: Path) -> dict[str, Any] | None:
    """The state as it was written (``uri``, ``runs`` and mostly ``tables``); None without one.

    MedadError when it is no such state.
    """
    path = root / STATE
    if not path.is_file():
        return None
    found = read_json(path)
    if not (
        isinstance(found, dict)
        and isinstance(found.get("uri"), str)
        and _is_texts(found.get("runs"))
        and _is_texts(found.get("tables", {}))
    ):
        raise MedadError(
            f"{path}: does not say which runs are in which store; delete it and `medad track` "
            "makes it again"
        )
    return found


def _is_texts(value: object) -> bool:
    return isinstance(value, dict) and all(isinstance(item, str) for item in value.values())
