"""One run, killed twenty times and resumed by the plain command, ends like one left alone."""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from project import Project

pytestmark = [
    pytest.mark.engine,
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc"),
]
FAULTS = Path(__file__).parent / "faults"
SEED = 20
PATIENCE = 1800.0  # seconds until a test that waits for something gives up


@dataclass(frozen=True)
class Moment:
    """When to kill.

    ``fault``: a process of the run kills it, see faults/sitecustomize.py. ``live``: a step of this
    kind is being computed. ``records``: so many steps have ended; then after a random time.
    ``params`` are changed before the run starts.
    """

    fault: dict[str, Any] | None = None
    live: str | None = None
    records: int | None = None
    params: dict[str, Any] = field(default_factory=dict)


def job(kind: str, event: str, argument: str = "", count: int = 1) -> Moment:
    """A job of one kind kills its engine and itself; at "start" its engine alone."""
    process = rf"medad step .*\.prov/keys/{kind}/"
    return Moment(fault={"process": process, "event": event, "argument": argument, "count": count})


def engine(event: str, argument: str, count: int = 1) -> Moment:
    """Snakemake kills itself."""
    return Moment(
        fault={"process": "-m snakemake", "event": event, "argument": argument, "count": count}
    )


CACHE = r"\.dvc/cache/files/md5/"
DIMENSIONS = {"detectors": {"padim": {"dimensions": 30}}}
SMOOTHING = {"evaluation": {"smoothing": 3.0}}
BACK = {"detectors": {"padim": {"dimensions": 40}}, "evaluation": {"smoothing": 4.0}}
MOMENTS = (
    engine("os.rename", r"\.prov/keys/", 7),  # some key files written, the others not
    engine("open", r"evaluate\.smk"),
    job("phantom", "start"),
    job("phantom", "fcntl.ioctl", CACHE),
    Moment(records=0),
    Moment(records=2),
    job("weights", "os.rename", CACHE),
    Moment(live="stage1"),
    Moment(live="stage1"),
    Moment(live="stage1"),
    job("stage1", "os.rename", CACHE, 2),  # the first of two outputs is in the store
    Moment(records=1, params=DIMENSIONS),
    Moment(records=2, params=SMOOTHING),
    Moment(records=2, params=BACK),
    job("score", "fcntl.ioctl", CACHE, 2),
    Moment(records=1),
    job("score", "start"),
    job("metrics", "os.rename", r"results/metrics/.*manifest\.json"),  # outputs without manifest
    Moment(records=1),
    Moment(records=1),
)


@dataclass(frozen=True)
class Kill:
    """What was seen around one kill."""

    moment: Moment
    locks: int
    temporary: int
    wrote: bool


@pytest.fixture(scope="module")
def crashed(
    finished: Project, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Project, list[Kill]]:
    """A finished project whose one run was killed at every moment."""
    project = finished.fresh(tmp_path_factory.mktemp("crash") / "project").without_tracking()
    random_ = random.Random(SEED)
    kills = [_kill(project, moment, random_.uniform(0.0, 0.5)) for moment in MOMENTS]
    assert "Nothing to be done" not in project.snakemake().stdout
    return project, kills


def _kill(project: Project, moment: Moment, delay: float) -> Kill:
    """Start the plain command, have it killed, and see that its jobs are gone."""
    project.change(moment.params)
    folders = f"{project.root / 'src'}{os.pathsep}{FAULTS}"
    environment = {**project.environment, "PYTHONPATH": folders}
    if moment.fault:
        environment["MEDAD_FAULT"] = json.dumps(moment.fault)
    with (project.root.parent / "output.txt").open("wb") as output:
        run = subprocess.Popen(
            [sys.executable, "-m", "snakemake", "--cores", "2"],
            cwd=project.root,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        if moment.fault:
            run.wait(PATIENCE)
        else:
            started, before = time.time(), _records(project)
            if moment.live:
                _wait(lambda: _live(project, str(moment.live), started), run)
            else:
                _wait(lambda: _records(project) >= before + int(moment.records or 0), run)
                time.sleep(delay)
            os.kill(run.pid, signal.SIGKILL)
        assert run.wait() == -signal.SIGKILL, f"{moment} never came"
        made = _records(project)
        _wait(lambda: not _members(run.pid))
    finally:
        if run.poll() is None:
            os.killpg(run.pid, signal.SIGKILL)
    return Kill(
        moment=moment,
        locks=len(list((project.root / ".snakemake/locks").glob("*"))),
        temporary=len(list((project.root / ".prov/tmp").glob("*"))),
        wrote=_records(project) != made,
    )


def _wait(condition: Callable[[], bool], run: subprocess.Popen[bytes] | None = None) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end
        assert run is None or run.poll() is None, "the run ended before its moment"
        time.sleep(0.01)


def _live(project: Project, kind: str, since: float) -> bool:
    """Whether a step of this kind has begun to compute."""
    for path in (project.root / ".prov/live").glob("[!.]*.json"):
        try:
            about = json.loads(path.read_bytes())
        except FileNotFoundError:
            continue  # it ended between the listing and the reading
        if about["kind"] == kind and about["started"] >= since:
            return True
    return False


def _records(project: Project) -> int:
    return len(list((project.root / "results/records").glob("*/*/*.json")))


def _members(group: int) -> list[int]:
    """Processes of a group that run; those that only wait to be reaped do not count."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, member = path.read_text().rpartition(")")[2].split()[:3]
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(member) == group and state != "Z":
            found.append(int(path.parent.name))
    return found


def test_twenty_kills_change_no_byte(
    crashed: tuple[Project, list[Kill]], finished: Project
) -> None:
    project, kills = crashed
    assert len(kills) == 20
    assert project.contents() == finished.contents()
    assert not project.planned()


def test_no_step_is_computed_twice_after_it_was_stored(
    crashed: tuple[Project, list[Kill]],
) -> None:
    project, _ = crashed
    keys = [r["key"] for r in project.records() if r["action"] == "computed"]
    assert len(keys) == len(set(keys))


def test_jobs_die_with_their_engine_and_write_nothing(
    crashed: tuple[Project, list[Kill]],
) -> None:
    _, kills = crashed
    assert [kill.moment for kill in kills if kill.wrote] == []


def test_nothing_is_left_behind(crashed: tuple[Project, list[Kill]]) -> None:
    project, kills = crashed
    assert any(kill.locks for kill in kills)
    assert any(kill.temporary for kill in kills)
    left = {
        folder: sorted(p.name for p in (project.root / folder).rglob("*") if p.is_file())
        for folder in (".prov/tmp", ".prov/live", ".snakemake/locks")
    }
    assert left == {".prov/tmp": [], ".prov/live": [], ".snakemake/locks": []}
    for folder in (".prov", "results"):
        hidden = (project.root / folder).rglob(".*.*")
        assert [path.name for path in hidden if path.name[-1].isdigit()] == []


def test_the_store_holds_nothing_under_a_wrong_name(
    crashed: tuple[Project, list[Kill]],
) -> None:
    project, _ = crashed
    blobs = list((project.root / ".dvc/cache/files/md5").glob("??/" + "?" * 30))
    assert blobs
    for path in blobs:
        found = hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
        assert found == path.parent.name + path.name
