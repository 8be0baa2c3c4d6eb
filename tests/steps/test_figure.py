"""The figure step hands its task to the function that the parameters name."""

from __future__ import annotations

from pathlib import Path

import pytest

from medad.steps import figure
from medad.task import Task


def test_the_named_function_draws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    task = Task(
        kind="figure",
        identity={"figure": "f", "dataset": "phantom", "split": "grouped"},
        params={"seed": 0, "implementation": "medad.steps.figure:drawn"},
        inputs={},
        outputs={"figure": tmp_path / "out.png"},
        scratch=tmp_path,
        cache=tmp_path,
        live=tmp_path / "live",
    )
    monkeypatch.setattr(figure, "drawn", lambda got: repr(got.identity).encode(), raising=False)
    figure.run(task)
    assert (tmp_path / "out.png").read_bytes() == repr(task.identity).encode()
