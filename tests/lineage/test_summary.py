from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from project import Project
from small_project import Small, run

from medad import layout
from medad.errors import MedadError
from medad.files import read_csv
from medad.lineage import summary
from medad.lineage.blame import Resting
from medad.lineage.verify import verify

METRICS = "results/summary/metrics/u.json"
PLOTS = "results/summary/plots/u.csv"
TABLE = "results/tables/u.csv"


@pytest.fixture
def small(tmp_path: Path) -> Small:
    """Tables t, whose CSV has no rows, and u, which has one; their summary is written."""
    made = Small(tmp_path)
    csv = b"dataset,split,row,shots,auroc,low,high\nd,s,A,2,0.6154,0.3430,\n"
    read = {"metrics/d/s/a/k2/r0": layout.output("metrics", run("a"), "metrics")}
    made.step("table", {"table": "u"}, read, {"csv": csv})
    assert summary.write(tmp_path) == ["t", "u"]
    return made


def test_a_summary_as_it_was_written_or_in_part_is_no_news(small: Small) -> None:
    assert verify(small.root) == ([], [])
    (small.root / PLOTS).unlink()
    (small.root / "results/summary/.gitignore").touch()
    (small.root / "results/summary/metrics/.u.json.77").touch()
    assert verify(small.root) == ([], [])


@pytest.mark.parametrize("path", [METRICS, PLOTS])
def test_an_edited_number_is_found(small: Small, path: str) -> None:
    text = (small.root / path).read_text()
    assert "0.6154" in text
    (small.root / path).write_text(text.replace("0.6154", "0.9019"))
    for target in (None, TABLE):
        [found] = verify(small.root, target)[0]
        assert found.path == path
        assert found.problem == ("is not what its table says; `medad dvc metrics` writes it again")
        assert found.resting == Resting()  # it is a view
    assert verify(small.root, "results/tables/t.csv")[0] == []
    summary.write(small.root)
    assert verify(small.root) == ([], [])


def test_a_summary_of_another_version_of_its_table_or_of_none_is_a_problem(small: Small) -> None:
    csv = b"dataset,split,row,shots,auroc,low,high\nd,s,A,2,0.7,,\n"
    read = {"metrics/d/s/a/k2/r0": layout.output("metrics", run("a"), "metrics")}
    small.step("table", {"table": "u"}, read, {"csv": csv}, {"seed": 1})
    assert [one.path for one in verify(small.root)[0]] == [METRICS, PLOTS]
    for suffix in (".csv", layout.MANIFEST):
        (small.root / f"results/tables/u{suffix}").unlink()
    extra = "extra: of no table that is here; delete it"
    found = [(one.path, one.problem) for one in verify(small.root)[0]]
    assert found == [(METRICS, extra), (PLOTS, extra)]
    summary.write(small.root)
    assert verify(small.root) == ([], [])


def test_a_file_that_cannot_be_read_is_a_problem(small: Small) -> None:
    (small.root / PLOTS).unlink()
    (small.root / PLOTS).symlink_to("nowhere")
    [found] = verify(small.root)[0]
    assert (found.path, found.problem.partition(";")[0]) == (
        PLOTS,
        "cannot be read (No such file or directory)",
    )


def test_nothing_is_written_from_a_table_that_was_edited(small: Small) -> None:
    before = (small.root / METRICS).read_bytes()
    (small.root / TABLE).write_text((small.root / TABLE).read_text().replace("0.6154", "0.9019"))
    with pytest.raises(MedadError, match=r"u\.csv: changed since it was made"):
        summary.write(small.root)
    assert (small.root / METRICS).read_bytes() == before
    findings, notes = verify(small.root)
    assert [one.path for one in findings] == [TABLE]
    assert notes == ["results/summary: not compared with u, which is not here or has changed"]


@pytest.mark.engine
def test_the_summary_follows_the_tables(copy: Callable[[], Project]) -> None:
    project = copy()
    assert project.medad("dvc", "metrics").stdout == "results/summary: table1\n"
    folder = project.root / summary.FOLDER
    numbers = folder / "metrics/table1.json"
    found = json.loads(numbers.read_text())
    rows = read_csv(project.root / "results/tables/table1.csv")
    for row in rows:
        column = row["shots"] if row["shots"] == "all" else f"K{row['shots']}"
        cell = found["phantom"]["grouped"][row["row"]][column]
        assert cell == {name: float(row[name]) for name in ("auroc", "low", "high")}
    points = read_csv(folder / "plots/table1.csv")
    assert [(p["row"], p["shots"], p["auroc"]) for p in points] == [
        (row["row"], row["shots"], row["auroc"]) for row in rows if row["shots"] != "all"
    ]

    before = numbers.read_bytes(), numbers.stat().st_mtime_ns
    (folder / "metrics/gone.json").write_text("{}")
    (folder / "plots/table1.csv").write_text("damaged")
    assert summary.write(project.root) == ["table1"]
    assert (numbers.read_bytes(), numbers.stat().st_mtime_ns) == before
    assert not (folder / "metrics/gone.json").exists()
    assert read_csv(folder / "plots/table1.csv") == points
    assert project.medad("prune").stdout.startswith("0 orphans")

    (project.root / "results/tables/table1.csv").unlink()
    with pytest.raises(MedadError, match=r"table1\.csv: missing; .* make it again"):
        summary.write(project.root)
    (project.root / "results/tables/table1.manifest.json").unlink()
    with pytest.raises(MedadError, match="no finished table; run `snakemake"):
        summary.write(project.root)
    assert numbers.read_bytes() == before[0]
