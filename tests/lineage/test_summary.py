from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from project import Project

from medad.errors import MedadError
from medad.files import read_csv
from medad.lineage import summary

pytestmark = pytest.mark.engine


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
    with pytest.raises(MedadError, match=r"table1\.csv: missing; make it with"):
        summary.write(project.root)
    (project.root / "results/tables/table1.manifest.json").unlink()
    with pytest.raises(MedadError, match="no finished table; run `snakemake"):
        summary.write(project.root)
    assert numbers.read_bytes() == before[0]
