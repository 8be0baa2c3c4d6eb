"""ADFA's tables and pictures by the engine: all of a pool as shots, cropped images, sizes."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
import yaml
from project import Project

pytestmark = [pytest.mark.engine, pytest.mark.slow]
KEPT = ("padim", "rdad", "adfa")
SCORINGS = ("adfa", "adfa_average_score")  # of the same trainings
FIGURES = ["adfa_samples", "adfa_curves", "adfa_attention", "adfa_distances"]


def test_tables_and_pictures_of_adfa(tmp_path: Path) -> None:
    project = Project(tmp_path / "project")
    path = project.root / "workflow/tables/adfa.yaml"
    entries = yaml.safe_load(path.read_text())
    rows = entries["adfa_table1"]["rows"]
    entries["adfa_table1"]["rows"] = [row for row in rows if row["method"] in KEPT]
    rows = entries["adfa_table3"]["rows"]
    entries["adfa_table3"]["rows"] = [row for row in rows if row["method"] in SCORINGS]
    path.write_text(yaml.safe_dump(entries))
    numbers = {"phantom": {"pool": 14, "test": 8, "anomalous": 8}}
    project.change(
        {
            "runs": {
                "tables": ["adfa_table1", "adfa_table2", "adfa_table3"],
                "figures": FIGURES,
                "splits": ["adfa"],
                "shots": ["full"],
            },
            "image": {"side": 64, "resize": 72},
            "splits": {"adfa": {"numbers": numbers}},
            "detectors": {"adfa": {"epochs": 1}, "rdad": {"epochs": 1}},
        }
    )
    project.snakemake()
    results = project.root / "results"
    with (results / "tables/adfa_table1.csv").open(newline="") as stream:
        lines = list(csv.DictReader(stream))
    assert [(line["method"], line["shots"]) for line in lines] == [
        (method, shots) for method in KEPT for shots in ("full", "all")
    ]
    assert {path.name for path in (results / "heads/phantom/adfa").iterdir()} == set(KEPT)
    with (results / "shots/phantom/adfa/kfull/r0.csv").open(newline="") as stream:
        assert len(list(csv.DictReader(stream))) == 14
    with (results / "tables/adfa_table2.csv").open(newline="") as stream:
        (sizes,) = csv.DictReader(stream)
    assert [sizes[f"{part}_healthy"] for part in ("train", "test")] == ["14", "8"]
    assert sizes["copies_across"] == "0"
    assert (sizes["test_anomalous"], sizes["files"], sizes["files_used"]) == ("8", "40", "40")
    made = {found.stem for found in (results / "figures/phantom/adfa").glob("*.png")}
    assert made == set(FIGURES)
    assert project.planned() == set()
    table = ("results/tables/adfa_table1.csv", "--row", "ADFA", "--column", "full")
    audit = project.medad("audit", *table).stdout
    assert "draw: K full, replicate 0" in audit
    rows = ("attention .1", "average of the map")
    cells = [f"results/tables/adfa_table3.csv:{row}/full" for row in rows]
    told = project.medad("compare", *cells, check=False).stdout
    assert "parameter score.image_score: maximum -> average (1 step)" in told
    assert "parameter head" not in told
    assert "nothing has changed" in project.medad("verify").stdout
    page = project.medad("page", "--out", "site").stdout
    assert "2 tables, 5 cells" in page
    assert 'id="adfa_table2"' in (project.root / "site/index.html").read_text()
    project.change({"detectors": {"adfa": {"smooth": 1.0}}})
    planned = project.planned()
    assert {f"score:{method}" for method in SCORINGS} <= planned
    assert not {job for job in planned if job.startswith("head")}
