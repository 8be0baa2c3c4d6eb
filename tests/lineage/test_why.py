from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from project import Project

from medad.lineage.why import _differences

pytestmark = pytest.mark.engine
SCORES = "results/scores/phantom/grouped/consult/k2/r0.parquet"


def test_each_cause_is_named(copy: Callable[[], Project]) -> None:
    project = copy()
    for path in (project.root / "results/heads").rglob("*.safetensors"):
        path.unlink()  # what is missing above a result is no reason to make it again
    assert "it would not" in project.medad("why", SCORES).stdout
    change = "stage1={consult: {learning_rate: 0.5}}"
    said = project.medad("why", SCORES, "--config", change).stdout
    assert "params.learning_rate: 0.0001 -> 0.5" in said
    assert "results/stage1/phantom/grouped/consult/k2/r0.safetensors" in said
    project.edit("src/medad/losses/tritanh.py")
    assert "code.losses/tritanh.py" in project.medad("why", SCORES).stdout
    (project.root / SCORES).write_bytes(b"x")
    assert f"{SCORES}: changed since it was made" in project.medad("why", SCORES).stdout
    (project.root / SCORES).unlink()
    assert f"{SCORES}: missing" in project.medad("why", SCORES).stdout


def test_a_file_never_made_and_a_file_no_step_makes(finished: Project) -> None:
    never = "results/scores/phantom/grouped/consult/k99/r0.parquet"
    assert "it has never been made" in finished.medad("why", never).stdout
    done = finished.medad("why", "params.yaml", check=False)
    assert done.returncode == 2
    assert "not an artifact of medad" in done.stderr


def test_every_cause_is_told_once_and_for_how_many(copy: Callable[[], Project]) -> None:
    project = copy()
    table = "results/tables/table1.csv"
    change = "detectors={patchcore: {coreset: 0.5}}"
    said = project.medad("why", table, "--config", change).stdout.splitlines()
    (cause,) = [line for line in said if "params.coreset" in line]
    assert re.fullmatch(r"results/\S+ and \d+ more: params\.coreset: \S+ -> 0\.5", cause), said
    assert len(said) == len(set(said)) < 10


def test_a_table_that_cannot_be_made_is_an_error_only_where_it_is_not(
    copy: Callable[[], Project],
) -> None:
    project = copy()
    done = project.medad("why", "results/tables/nonsense.csv", check=False)
    assert done.returncode == 2
    assert "not made by this configuration: table: got 'nonsense'" in done.stderr
    tables = project.root / "workflow/tables/consult.yaml"
    tables.write_text(tables.read_text().replace("method: padim", "method: pad"))
    said = project.medad("why", "results/tables/table1.csv").stdout
    assert "method 'pad' is not in methods" in said


def test_of_long_values_the_difference_is_shown() -> None:
    old, new = ([*range(50), last] for last in ("a", "b"))
    (line,) = _differences("params", {"of": {"x": old}}, {"of": {"x": new}})
    assert line.startswith("params.of.x: ...")
    assert "'a'] -> ..." in line
    assert line.endswith("'b']")
    assert len(line) < 120
    assert list(_differences("p", {"x": 1}, {"x": 1, "y": None})) == []
