from __future__ import annotations

import os
from collections.abc import Callable

import pytest
from project import Project

from medad.cli.step import Heartbeat

pytestmark = pytest.mark.engine


def test_a_failed_step_logs_its_trace_and_keeps_its_message(copy: Callable[[], Project]) -> None:
    project = copy()
    for path in (project.root / "results/splits/phantom").iterdir():
        path.unlink()
    done = project.medad(
        *("step", "--log", "logs/x.log", ".prov/keys/shots/phantom.grouped.json"),
        "results/shots/phantom/grouped/k2/r0.manifest.json",
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr == ""
    assert "Traceback" in (project.root / "logs/x.log").read_text()
    assert "missing input" in (project.root / ".prov/error.txt").read_text()


def test_the_heartbeat_says_where_it_is_and_when_it_ends(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr("medad.cli.step.time.monotonic", lambda: now[0])
    terminal = os.dup(2)
    beat = Heartbeat(terminal)
    beat(0, 4, "stage1 a")
    now[0] = 20.0
    beat(2, 4, "stage1 b")
    now[0] = 25.0
    beat(2.5, 4, "stage1 c")
    captured = capfd.readouterr()
    assert captured.out.splitlines()[2] == "[3 of 4] stage1 c, about 15 s left"
    assert captured.out.splitlines()[1] == "[3 of 4] stage1 b, about 20 s left"
    assert captured.err == "[3 of 4] stage1 b, about 20 s left\n"
    os.close(terminal)
