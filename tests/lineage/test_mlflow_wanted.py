from __future__ import annotations

from pathlib import Path

import pytest
from small_project import Small, run

from medad import layout
from medad.errors import MedadError
from medad.files import read_json
from medad.lineage import inventory
from medad.lineage.mlflow_wanted import of_step, of_tables


def test_a_run_of_a_step_holds_its_parameters_and_its_metrics(tmp_path: Path) -> None:
    Small(tmp_path)
    path = layout.manifest("metrics", run("a"))
    wanted = of_step(tmp_path, path)
    assert wanted.source == "manifest"
    value = read_json(tmp_path / layout.output("metrics", run("a"), "metrics"))["auroc"]
    assert ("auroc", value) in {(name, point) for name, _, point in wanted.points}
    (tmp_path / path).write_text("[]")
    with pytest.raises(MedadError, match="changed since it was written"):
        of_step(tmp_path, path)


def test_tables_that_cannot_be_read_are_noted_and_wrong_ones_left_out(tmp_path: Path) -> None:
    Small(tmp_path)
    known = inventory.take(tmp_path, inventory.every(tmp_path))
    notes: list[str] = []
    assert of_tables("mlflow.db", tmp_path, known, lambda step: False, notes) == {}
    assert notes == ["mlflow.db: runs of t not compared: what they show cannot be read"]
    assert of_tables("mlflow.db", tmp_path, known, lambda step: True, notes) == {}
    assert len(notes) == 1
