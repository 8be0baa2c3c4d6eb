"""One finished tiny project, made once by the real engine and copied by tests that change it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings
from project import Project

from medad.lineage.locks import locked

# Nothing is asserted about time: a busy machine is slow, not wrong.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Project:
    """Read only: a project whose default target is made and tracked."""
    base = tmp_path_factory.getbasetemp()
    shared = (base if worker_id == "master" else base.parent) / "finished"
    with locked(shared.with_suffix(".lock")):
        if (shared / "done").exists():
            return Project.at(shared)
        shared.mkdir()
        project = Project(shared)
        project.snakemake()
        (shared / "done").touch()
        return project


@pytest.fixture
def copy(finished: Project, tmp_path: Path) -> Callable[[], Project]:
    """A copy of the finished project that a test may damage."""

    def make() -> Project:
        target = tmp_path / "copy"
        shutil.copytree(finished.root, target, symlinks=True)
        return Project.at(target)

    return make


@pytest.fixture(scope="session")
def worker_id(request: pytest.FixtureRequest) -> str:
    """`master`, or the name of pytest-xdist's worker."""
    found = getattr(request.config, "workerinput", {"workerid": "master"})
    return str(found["workerid"])


@pytest.fixture(autouse=True)
def _no_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a session tells its jobs must not reach the next test."""
    monkeypatch.setenv("MEDAD_ENGINE", "")
    monkeypatch.delenv("MEDAD_ENGINE")
