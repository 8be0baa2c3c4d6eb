"""The steps behind a number against an ancestry walked over raw JSON, without medad's graph."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from project import Project

from medad.errors import MedadError
from medad.lineage import audit, subject

pytestmark = pytest.mark.engine
TABLE = "results/tables/table1.csv"
METRICS = "results/metrics/phantom/grouped/{}/k{}/r0.manifest.json"


def ancestry(root: Path, *wanted: str) -> set[str]:
    """Manifests reached from these through the files that manifests say they read and wrote."""
    known: dict[str, dict[str, Any]] = {
        path.relative_to(root).as_posix(): json.loads(path.read_text())
        for path in (root / "results").rglob("*.manifest.json")
    }
    made = {o["path"]: name for name, m in known.items() for o in m["outputs"].values()}
    found, pending = set(), list(wanted)
    while pending:
        name = pending.pop()
        if name not in found:
            found.add(name)
            read = [item["path"] for item in known[name]["inputs"].values()]
            pending += [made[path] for path in read if path in made]
    return found


def test_a_cell_rests_on_its_runs_table_and_intervals(finished: Project) -> None:
    found = subject.of_cell(finished.root, TABLE, "consult", "all", None, None)
    runs = [METRICS.format("consult", k) for k in (2, 4)]
    expected = ancestry(finished.root, *runs) | {
        "results/tables/table1.manifest.json",
        "results/metrics/phantom/grouped/table1.intervals.manifest.json",
    }
    assert {node.path for node in found.nodes} == expected
    assert len(found.nodes) == len(expected)
    assert [node.path for node in found.runs] == runs
    assert found.name == "phantom/grouped/CONSULT/all"


def test_a_run_is_audited_with_and_without_its_table(finished: Project) -> None:
    name = "phantom/grouped/padim/k2/r0"
    alone = subject.of_run(finished.root, name, None)
    assert {node.path for node in alone.nodes} == ancestry(
        finished.root, METRICS.format("padim", 2)
    )
    assert alone.number == {**(alone.number or {}), "n": 1, "metric": "auroc"}
    within = subject.of_run(finished.root, name, TABLE)
    assert within.table is not None
    assert len(within.nodes) == len(alone.nodes) + 1


@pytest.mark.parametrize(
    ("name", "table", "message"),
    [
        ("phantom/grouped/padim/k2", None, "write DATASET/SPLIT/METHOD/kK/rR"),
        ("../../phantom/grouped/k2/r0", None, "write DATASET/SPLIT/METHOD/kK/rR"),
        ("phantom/grouped/padim/k9/r0", None, "no manifest"),
        ("phantom/paper/padim/k2/r0", TABLE, "does not rest on it"),
        ("phantom/grouped/padim/k2/r0", "results/index/phantom/index.parquet", "not a table"),
    ],
)
def test_a_run_that_is_not_there_is_an_error(
    finished: Project, name: str, table: str | None, message: str
) -> None:
    with pytest.raises(MedadError, match=message):
        subject.of_run(finished.root, name, table)


def test_an_artifact_rests_on_its_ancestry(finished: Project) -> None:
    path = "results/figures/phantom/grouped/figure1"
    found = subject.of_artifact(finished.root, f"{path}.png")
    assert {n.path for n in found.nodes} == ancestry(finished.root, f"{path}.manifest.json")
    assert (found.number, found.runs) == (None, [])


def test_nothing_is_read_but_what_the_cell_rests_on(copy: Callable[[], Project]) -> None:
    """All other manifests, records and results are made unreadable, and many records are added."""
    root = copy().root
    cell = (TABLE, "PaDiM", "K4", None, None)
    before = audit.cell(root, *cell)
    rests = {node.path for node in subject.of_cell(root, *cell).nodes}
    keys = {json.loads((root / name).read_text())["key"] for name in rests}
    stems = {name.removesuffix(".manifest.json") for name in rests}
    damaged = 0
    for path in (root / "results").rglob("*"):
        name = path.relative_to(root).as_posix()
        needed = path.parent.name in keys or name.partition(".")[0] in stems or name in rests
        needed = needed or any(name.startswith(f"{stem}.") for stem in stems)
        if path.is_file() and not needed:
            path.write_text("{")
            damaged += 1
    for number in range(50):
        path = root / f"results/records/{number:02d}/{number:064d}/1.json"
        path.parent.mkdir(parents=True)
        path.write_text("{")
    assert damaged > 50
    assert audit.cell(root, *cell) == before
