"""Finished runs and their curves into MLflow: a view that can be rebuilt, never a truth.

One writer at a time. Ingestion is idempotent: a run is found by its step's key, and a point
written twice is the same point, since its time follows from the run's start and its step.
"""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medad.errors import MedadError
from medad.files import read_json, write_json
from medad.lineage import manifest, record
from medad.lineage.graph import Graph
from medad.lineage.locks import try_lock
from medad.lineage.runner import LIVE

if TYPE_CHECKING:
    from mlflow import MlflowClient

EXPERIMENT = "medad"
STATE = ".prov/tracked.json"
_KINDS = ("stage1", "metrics")
_ORDER = ("dataset", "split", "method", "k", "r")  # identities of _KINDS have these
_BATCH = 1000  # MLflow's limit for metrics in one call; 100 for parameters and tags


@dataclass
class Curves:
    """What one run logs: parameters, and (name, step, value) points."""

    key: str
    name: str
    kind: str
    started_ms: int
    params: dict[str, str]
    points: list[tuple[str, int, float]] = field(default_factory=list)
    finished: bool = True


def track(root: Path) -> int:
    """Bring what is finished into MLflow; how many runs were new. Importing nothing when none."""
    uri = store_uri(root)
    state = _state(root, uri)
    new = [path for path in _candidates(root) if manifest_key(root, path) not in state]
    if not new:
        return 0
    with Writer(root, uri) as log:
        for path in new:
            log.run(finished(root, path))
    return len(new)


def follow(root: Path, seconds: float, active: Callable[[], bool]) -> None:
    """Keep bringing in what is finished and what is training, while ``active()``."""
    uri = store_uri(root)
    with Writer(root, uri) as log:
        going = True
        while going:
            going = active()
            for curves in live(root):
                if curves.key not in log.done:
                    log.run(curves)
            for path in _candidates(root):
                if manifest_key(root, path) not in log.done:
                    log.run(finished(root, path))
            if going:
                time.sleep(seconds)


def live(root: Path) -> Iterator[Curves]:
    """Steps that are running now and have logged events."""
    for head in sorted((root / LIVE).glob("*.json")):
        events = head.with_suffix(".jsonl")
        try:
            found = read_json(head)
            logged = list(points(events))
        except (MedadError, FileNotFoundError):
            continue  # it finished between the listing and the reading
        yield Curves(
            key=head.stem,
            name=_name(found["identity"]),
            kind=found["kind"],
            started_ms=int(found["started"] * 1000),
            params={**_flat(found["identity"]), **_flat(found["params"])},
            points=logged,
            finished=False,
        )


def store_uri(root: Path) -> str:
    """MLFLOW_TRACKING_URI, or a SQLite file in the project."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{root / 'mlflow.db'}"


def manifest_key(root: Path, path: str) -> str:
    """Key of the step a manifest describes."""
    return str(read_json(root / path)["key"])


def finished(root: Path, path: str) -> Curves:
    """Everything a finished step has to log."""
    found = manifest.read(root / path)
    records = [item for item in record.of_key(root, found["key"]) if item["action"] == "computed"]
    started = min((item["started"] for item in records), default=0.0)
    curves = Curves(
        key=found["key"],
        name=_name(found["identity"]),
        kind=found["kind"],
        started_ms=int(started * 1000),
        params={**_flat(found["identity"]), **_flat(found["params"])},
    )
    outputs = found["outputs"]
    if found["kind"] == "stage1":
        curves.points = list(points(root / outputs["events"]["path"]))
    else:
        values = read_json(root / outputs["metrics"]["path"])
        curves.points = [(name, 0, float(v)) for name, v in values.items() if _is_number(v)]
    return curves


def _name(identity: Mapping[str, Any]) -> str:
    """As the path of a result: ``brain_mri/grouped/padim/k4/r0``."""
    named = {key: str(value) for key, value in identity.items()}
    named |= {key: f"{key}{value}" for key, value in named.items() if key in ("k", "r")}
    return "/".join(named[key] for key in sorted(named, key=_ORDER.index))


def points(file: Path) -> Iterator[tuple[str, int, float]]:
    """Numbers of an event file, one point per name and step; a torn last line is left for later."""
    with file.open(encoding="utf-8") as stream:
        for line in stream:
            if not line.endswith("\n"):
                return
            event = json.loads(line)
            step = int(event["step"])
            for name, value in _flat_numbers(event):
                if name not in ("step", "time"):
                    yield name, step, value


class Writer:
    """Holds the lock, the client and the keys that are already in the store."""

    def __init__(self, root: Path, uri: str) -> None:
        self.root, self.uri = root, uri

    def __enter__(self) -> Writer:
        self.lock = try_lock(self.root / ".prov" / "track.lock")
        if self.lock is None:
            raise MedadError("another `medad track` is running; it will bring in what is new")
        os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
        os.environ["MLFLOW_ENABLE_ASYNC_LOGGING"] = "false"
        _require_open(self.uri)
        from mlflow import MlflowClient

        with _explained(self.uri):
            self.client: MlflowClient = MlflowClient(tracking_uri=self.uri)
            found = self.client.get_experiment_by_name(EXPERIMENT)
            place = (self.root / "mlruns").as_uri() if self.uri.startswith("sqlite:") else None
            self.experiment = (
                found.experiment_id
                if found is not None
                else self.client.create_experiment(EXPERIMENT, artifact_location=place)
            )
            self.known: dict[str, str] = {}
            self.done: dict[str, str] = {}
            self._find_runs()
        return self

    def __exit__(self, *_: object) -> None:
        if self.lock is not None:
            self.lock.close()
        write_json(self.root / STATE, {"uri": self.uri, "runs": self.done})

    def _find_runs(self) -> None:
        """Runs that are in the store, begun (``known``) and complete (``done``), by key."""
        token = None
        while True:
            page = self.client.search_runs([self.experiment], max_results=1000, page_token=token)
            for run in page:
                key = run.data.tags["medad.key"]
                self.known[key] = run.info.run_id
                if run.info.status == "FINISHED":
                    self.done[key] = run.info.run_id
            token = page.token
            if not token:
                return

    def run(self, curves: Curves) -> None:
        """Create the run or complete it; writing it again changes nothing."""
        with _explained(self.uri):
            self._run(curves)

    def _run(self, curves: Curves) -> None:
        from mlflow.entities import Metric, Param

        run_id = self.known.get(curves.key)
        if run_id is None:
            tags = {"medad.key": curves.key, "medad.kind": curves.kind}
            created = self.client.create_run(
                self.experiment, start_time=curves.started_ms, tags=tags, run_name=curves.name
            )
            run_id = self.known[curves.key] = created.info.run_id
        started = self.client.get_run(run_id).info.start_time
        params = [Param(name, value[:5000]) for name, value in sorted(curves.params.items())]
        for at in range(0, len(params), 100):
            self.client.log_batch(run_id, params=params[at : at + 100])
        metrics = [Metric(name, value, started + step, step) for name, step, value in curves.points]
        for at in range(0, len(metrics), _BATCH):
            self.client.log_batch(run_id, metrics=metrics[at : at + _BATCH])
        if curves.finished:
            self.client.set_terminated(run_id, end_time=started + len(curves.points))
            self.done[curves.key] = run_id


def _require_open(uri: str) -> None:
    """MLflow would retry a SQLite file it cannot use for minutes; ask it once, for ten seconds."""
    if not uri.startswith("sqlite:///"):
        return
    try:
        with closing(sqlite3.connect(uri.removeprefix("sqlite:///"), timeout=10)) as database:
            database.execute("BEGIN IMMEDIATE")
            database.rollback()
    except sqlite3.Error as error:
        raise MedadError(f"MLflow store {uri}: {error}; close what uses it, or move it") from error


@contextmanager
def _explained(uri: str) -> Iterator[None]:
    """Failures of the store as one message."""
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (MlflowException, SQLAlchemyError) as error:
        raise MedadError(f"MLflow store {uri}: {str(error).splitlines()[0]}") from error


def _candidates(root: Path) -> list[str]:
    return [path for path in Graph(root).paths if path.split("/")[1] in _KINDS and _is_run(path)]


def _is_run(path: str) -> bool:
    return not path.endswith(f".intervals{manifest.SUFFIX}")


def _state(root: Path, uri: str) -> Mapping[str, str]:
    """Keys already in the store at ``uri``; none when a SQLite store has been deleted."""
    path = root / STATE
    if not path.exists():
        return {}
    if uri.startswith("sqlite:///") and not Path(uri.removeprefix("sqlite:///")).exists():
        return {}
    found = read_json(path)
    return dict(found["runs"]) if found["uri"] == uri else {}


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    flat: dict[str, str] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            flat.update(_flat(value, f"{prefix}{name}."))
        else:
            flat[prefix + name] = str(value)
    return flat


def _flat_numbers(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, float]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat_numbers(value, f"{prefix}{name}.")
        elif _is_number(value):
            yield prefix + name, float(value)
