"""The one writer of the MLflow store. Writing a run again changes nothing.

A run is found by its step's key (tag ``medad.key``), a cell's and a table's by the digest of what
they show (``medad.version``); a point written twice is the same point, since its time follows from
the run's start and its step.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medad.errors import MedadError
from medad.files import write_json
from medad.lineage.locks import try_lock
from medad.tracking.entries import Entry, Input
from medad.tracking.state import LOCK, STATE, artifact_root, sqlite_file

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import DatasetInput

_PREFIX = "medad/"
_SHOWN = ("cell", "table")  # kinds of runs that are no step's
_PARENT = "mlflow.parentRunId"
_PARAMS, _POINTS = 100, 800  # of one call, which may hold 1000 things and 100 parameters
_DIGEST = 36  # MLflow's longest digest of a dataset; the whole one is in its profile


@dataclass
class Known:
    """A run of the store: when it started (ms since 1970), the run above it, of which kind it is,
    and whether it is complete."""

    run_id: str
    started_ms: int
    parent: str | None
    kind: str
    done: bool


class Writer:
    """Holds the lock, the client and what is already in the store."""

    def __init__(self, root: Path, uri: str) -> None:
        self.root, self.uri = root, uri
        self.completed = 0  # runs that this writer has completed

    def __enter__(self) -> Writer:
        self.lock = try_lock(self.root / LOCK)
        if self.lock is None:
            raise MedadError("another `medad track` is running; it will bring in what is new")
        os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
        os.environ["MLFLOW_ENABLE_ASYNC_LOGGING"] = "false"
        _require_open(self.uri)
        from mlflow import MlflowClient

        with _explained(self.uri):
            self.client: MlflowClient = MlflowClient(tracking_uri=self.uri)
            pattern = f"name LIKE '{_PREFIX}%'"
            found = self.client.search_experiments(filter_string=pattern)
            self.experiments: dict[str, str] = {one.name: one.experiment_id for one in found}
            if any(one.artifact_location != self._place(one.name) for one in found):
                self._bring_home()
            self.known: dict[str, Known] = {}
            self._find_runs()
        return self

    def __exit__(self, *_: object) -> None:
        if self.lock is not None:
            self.lock.close()
        done = {key: known for key, known in self.known.items() if known.done}
        state = {
            "uri": self.uri,
            "runs": {k: one.run_id for k, one in done.items() if one.kind not in _SHOWN},
            "tables": {k: one.run_id for k, one in done.items() if one.kind == "table"},
        }
        write_json(self.root / STATE, state)

    def done(self, key: str) -> bool:
        """Whether the run of a key is complete."""
        return key in self.known and self.known[key].done

    def open(self, entry: Entry, experiment: str, parent: str | None = None) -> str:
        """Id of an entry's run, begun where it is not in the store, below ``parent`` if given."""
        with _explained(self.uri):
            known = self.known.get(entry.key)
            if known is None:
                tags = {entry.tag: entry.key, "medad.kind": entry.kind, **entry.tags}
                created = self.client.create_run(
                    self._experiment(experiment),
                    start_time=entry.started_ms,
                    tags={**tags, _PARENT: parent} if parent else tags,
                    run_name=entry.name,
                )
                known = Known(created.info.run_id, entry.started_ms, parent, entry.kind, done=False)
                self.known[entry.key] = known
        self.place(entry.key, parent)
        return known.run_id

    def place(self, key: str, parent: str | None) -> None:
        """Put a run below another, unless it is there."""
        known = self.known[key]
        if parent is not None and known.parent != parent:
            with _explained(self.uri):
                self.client.set_tag(known.run_id, _PARENT, parent)
            known.parent = parent

    def write(
        self,
        entry: Entry,
        experiment: str,
        parent: str | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        """Begin or complete the run of an entry, with further ``tags``."""
        self.open(entry, experiment, parent)
        known = self.known[entry.key]
        if known.done:
            return
        with _explained(self.uri):
            self._write(entry, known, {**entry.tags, **(tags or {})})

    def _write(self, entry: Entry, known: Known, tags: Mapping[str, str]) -> None:
        from mlflow.entities import Metric, Param, RunStatus, RunTag

        run_id, start = known.run_id, known.started_ms
        params = [Param(name, value[:5000]) for name, value in sorted(entry.params.items())]
        metrics = [Metric(name, value, start + step, step) for name, step, value in entry.points]
        extra = [RunTag(name, value) for name, value in sorted(tags.items())]
        for some, others in zip_longest(_chunks(params, _PARAMS), _chunks(metrics, _POINTS)):
            self.client.log_batch(run_id, params=some or [], metrics=others or [], tags=extra)
            extra = []
        if not entry.finished:
            return
        if entry.inputs:
            self.client.log_inputs(run_id, datasets=[_dataset(item) for item in entry.inputs])
        for path, folder in entry.artifacts:
            self.client.log_artifact(run_id, str(self.root / path), folder or None)
        end = start + len(entry.points)
        self.client.set_terminated(run_id, RunStatus.to_string(RunStatus.FINISHED), end)
        known.done = True
        self.completed += 1

    def _experiment(self, name: str) -> str:
        if name not in self.experiments:
            made = self.client.create_experiment(name, artifact_location=self._place(name))
            self.experiments[name] = str(made)
        return self.experiments[name]

    def _place(self, name: str) -> str | None:
        """Where an experiment's artifacts lie, if the store is a file; a server decides itself."""
        return None if sqlite_file(self.uri) is None else f"{artifact_root(self.root)}/{name}"

    def _bring_home(self) -> None:
        """Let a project's own store name the files beside it, after the project was moved.

        MLflow keeps absolute places and cannot change them.
        """
        file = self.root / "mlflow.db"
        if sqlite_file(self.uri) != file:
            return
        ours = f"name LIKE '{_PREFIX}%'"
        with closing(sqlite3.connect(file, timeout=10)) as database, database:
            database.execute(
                f"UPDATE experiments SET artifact_location = ? || '/' || name WHERE {ours}",
                (artifact_root(self.root),),
            )
            database.execute(
                "UPDATE runs SET artifact_uri = e.artifact_location || '/' || run_uuid || "
                "'/artifacts' FROM experiments e WHERE e.experiment_id = runs.experiment_id "
                f"AND e.{ours}"
            )

    def _find_runs(self) -> None:
        """Runs that are in the store, begun and complete, by key or version."""
        if not self.experiments:
            return
        ids, token = sorted(self.experiments.values()), None
        while True:
            page = self.client.search_runs(ids, max_results=1000, page_token=token)
            for run in page:
                tags = run.data.tags
                key = tags.get("medad.key") or tags.get("medad.version")
                if key is None:
                    continue  # not ours: users may log into these experiments too
                self.known[key] = Known(
                    run.info.run_id,
                    run.info.start_time,
                    tags.get(_PARENT),
                    tags["medad.kind"],
                    run.info.status == "FINISHED",
                )
            token = page.token
            if not token:
                return


def _chunks(items: list[Any], size: int) -> list[list[Any]]:
    return [items[at : at + size] for at in range(0, len(items), size)]


def _dataset(item: Input) -> DatasetInput:
    from mlflow.entities import Dataset, DatasetInput, InputTag

    profile = json.dumps({**item.counts, "sha256": item.digest}, sort_keys=True)
    source = json.dumps({"uri": item.source})
    dataset = Dataset(item.name, item.digest[:_DIGEST], "local", source, profile=profile)
    return DatasetInput(dataset, [InputTag("mlflow.data.context", item.context)])


def _require_open(uri: str) -> None:
    """MLflow would retry a SQLite file it cannot use for minutes; ask it once, for ten seconds."""
    file = sqlite_file(uri)
    if file is None:
        return
    try:
        with closing(sqlite3.connect(file, timeout=10)) as database:
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
