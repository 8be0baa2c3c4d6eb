from __future__ import annotations

import json
import shlex
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import yaml
from project import Project

from medad import tracking
from medad.files import read_csv
from medad.tracking import tables

INPUTS = ["intervals/phantom/grouped", "metrics/phantom/grouped/padim/k2/r0"]


def table(name: str, key: str = "k", figures: tuple[dict[str, Any], ...] = ()) -> tables.Table:
    return tables.Table(name, {"key": key, "inputs": dict.fromkeys(INPUTS)}, figures)


def test_a_table_shows_its_runs_and_changes_with_its_figures() -> None:
    one = table("t")
    assert one.runs == {"phantom/grouped/padim/k2/r0"}
    assert one.experiment == "medad/t"
    versions = {one.version, table("t", "l").version, table("t", figures=({"key": "f"},)).version}
    assert len(versions) == 3


@pytest.mark.parametrize(
    ("params", "inputs", "goes"),
    [
        ({"table": "t"}, [], True),
        ({"table": "other"}, ["scores/padim/k2/r0"], False),
        ({}, ["index", "scores/padim/k2/r0"], True),
        ({}, ["index", "scores/padim/k4/r0"], False),
        ({}, ["index", "shots/k4/r0"], True),
    ],
)
def test_a_figure_goes_with_tables_whose_runs_it_shows(
    params: dict[str, str], inputs: list[str], goes: bool
) -> None:
    identity = {"dataset": "phantom", "split": "grouped", "figure": "f"}
    figure = {"params": params, "identity": identity, "inputs": dict.fromkeys(inputs)}
    assert tables._goes_with(figure, "t", {"inputs": dict.fromkeys(INPUTS)}) == goes
    figure["identity"] = {**identity, "split": "paper"}
    assert tables._goes_with(figure, "t", {"inputs": dict.fromkeys(INPUTS)}) == (
        goes and "table" in params
    )


def query(root: Path, text: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(root / "mlflow.db")) as database:
        return database.execute(text).fetchall()


def tags(root: Path) -> dict[str, dict[str, str]]:
    """Run id -> its tags."""
    found: dict[str, dict[str, str]] = {}
    for run, key, value in query(root, "SELECT run_uuid, key, value FROM tags"):
        found.setdefault(run, {})[key] = value
    return found


@pytest.mark.engine
def test_every_cell_is_a_run_above_those_of_its_draws(finished: Project) -> None:
    root = finished.root
    names = query(root, "SELECT DISTINCT e.name FROM runs JOIN experiments e USING (experiment_id)")
    assert names == [("medad/table1",)]
    logged = tags(root)
    cells = {t["medad.cell"]: run for run, t in logged.items() if t["medad.kind"] == "cell"}
    rows = read_csv(root / "results/tables/table1.csv")
    assert len(cells) == len(rows) == 9
    for row in rows:
        column = row["shots"] if row["shots"] == "all" else f"K{row['shots']}"
        run = cells[f"table1/phantom/grouped/{row['row']}/{column}"]
        place = {"medad.row": row["row"], "medad.column": column, "medad.table": "table1"}
        assert place.items() <= logged[run].items()
        assert "medad.key" not in logged[run]
        told = dict(query(root, f"SELECT key, value FROM metrics WHERE run_uuid = '{run}'"))
        assert f"{told['auroc']:.4f}" == row["auroc"]
        assert told["low"] == float(row["low"])
        below = {key for key, t in logged.items() if t.get("mlflow.parentRunId") == run}
        trained = row["method"] == "consult"
        assert len(below) == (0 if column == "all" else 1 + trained)
        linked = set(logged[run]["medad.runs"].split())
        assert below <= linked
        assert len(linked) == (2 if column == "all" else 1) * (1 + trained)
        kinds = {logged[key]["medad.kind"] for key in linked}
        assert kinds == ({"stage1", "metrics"} if trained else {"metrics"})
    values = query(
        root, f"SELECT value FROM params WHERE run_uuid = '{run}' AND key = 'stage1.epochs'"
    )
    assert values == [("2",)]


@pytest.mark.engine
def test_the_tag_that_says_how_to_audit_a_cell_works(finished: Project) -> None:
    logged = tags(finished.root)
    wanted = "table1/phantom/grouped/CONSULT/K4"
    (cell,) = [t for t in logged.values() if t.get("medad.cell") == wanted]
    program, *command = shlex.split(cell["medad.audit"])
    assert program == "medad"
    found = json.loads(finished.medad(*command, "--json").stdout)
    assert found["cell"] == "phantom/grouped/CONSULT/K4"


@pytest.mark.engine
def test_a_tables_files_are_artifacts_of_its_run(finished: Project) -> None:
    kind = "JOIN tags t USING (run_uuid) WHERE t.key = 'medad.kind' AND t.value = 'table'"
    ((run, uri),) = query(finished.root, f"SELECT run_uuid, artifact_uri FROM runs {kind}")
    place = Path(uri.removeprefix("file://"))
    assert place.is_relative_to(finished.root / "mlruns")
    files = {p.relative_to(place).as_posix(): p for p in place.rglob("*") if p.is_file()}
    picture = "figures/phantom/grouped/figure1.png"
    assert set(files) == {"table1.csv", "table1.md", picture}
    for name, path in files.items():
        origin = name if name == picture else f"tables/{name}"
        assert path.read_bytes() == (finished.root / "results" / origin).read_bytes()
    curve = f"SELECT key, step, value FROM metrics WHERE run_uuid = '{run}'"
    points = {
        (key.rpartition("/")[2], str(k)): value for key, k, value in query(finished.root, curve)
    }
    rows = read_csv(finished.root / "results/tables/table1.csv")
    told = {(r["method"], r["shots"]): float(r["auroc"]) for r in rows if r["shots"] != "all"}
    assert points == told


@pytest.mark.engine
def test_tables_share_the_runs_that_both_show(copy: Callable[[], Project]) -> None:
    """A second table, first by name, comes later: runs stay where they are and are linked."""
    project = copy()
    project.without_tracking()
    before = tags(project.root)
    path = project.root / "workflow/tables/consult.yaml"
    known = yaml.safe_load(path.read_text())
    rows = [row for row in known["table1"]["rows"] if row["method"] != "padim"]
    known["alone"] = {**known["table1"], "rows": rows, "title": "Fewer"}
    path.write_text(yaml.safe_dump(known))
    project.change({"runs": {"tables": ["alone", "table1"]}})
    project.snakemake("results/tables/alone.csv")
    assert tracking.track(project.root) == 7  # six cells and the table

    def seen() -> tuple[set[str], dict[str, dict[str, str]]]:
        logged = tags(project.root)
        keys = [t["medad.key"] for t in logged.values() if "medad.key" in t]
        assert len(keys) == len(set(keys)) == 8
        cells = {t["medad.cell"]: t for t in logged.values() if "medad.cell" in t}
        assert len(cells) == 15
        return {r for r, t in logged.items() if "medad.key" in t}, cells

    steps, cells = seen()
    assert steps == {run for run, t in before.items() if "medad.key" in t}
    linked = cells["alone/phantom/grouped/CONSULT/K4"]["medad.runs"]
    assert linked == cells["table1/phantom/grouped/CONSULT/K4"]["medad.runs"]
    assert set(linked.split()) <= steps

    (project.root / "mlflow.db").unlink()
    project.medad("track")  # in another process: in this one the deleted file is open
    seen()
    where = dict(
        query(
            project.root,
            "SELECT r.name, e.name FROM runs r JOIN experiments e USING (experiment_id)"
            " JOIN tags t ON t.run_uuid = r.run_uuid AND t.key = 'medad.key'",
        )
    )
    assert {name: place for name, place in where.items() if "/k4/" in name} == {
        "phantom/grouped/padim/k4/r0": "medad/table1",
        "phantom/grouped/patchcore/k4/r0": "medad/alone",
        "phantom/grouped/consult/k4/r0": "medad/alone",
    }
