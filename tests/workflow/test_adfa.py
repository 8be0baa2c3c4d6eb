"""ADFA's tables and pictures by the engine: all of a pool as shots, cropped images, sizes."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
import yaml
from project import Project

pytestmark = [pytest.mark.engine, pytest.mark.slow]
KEPT = ("padim", "rdad", "adfa")
FIGURES = ["adfa_samples", "adfa_curves", "adfa_attention", "adfa_distances"]


def test_tables_and_pictures_of_adfa(tmp_path: Path) -> None:
    project = Project(tmp_path / "project")
    path = project.root / "workflow/tables/adfa.yaml"
    entries = yaml.safe_load(path.read_text())
    rows = entries["adfa_table1"]["rows"]
    entries["adfa_table1"]["rows"] = [row for row in rows if row["method"] in KEPT]
    path.write_text(yaml.safe_dump(entries))
    numbers = {"phantom": {"pool": 14, "test": 8, "anomalous": 8}}
    project.change(
        {
            "runs": {
                "tables": ["adfa_table1", "adfa_table2"],
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
    assert "nothing has changed" in project.medad("verify").stdout
    page = project.medad("page", "--out", "site").stdout
    assert "1 tables, 3 cells" in page
    assert 'id="adfa_table2"' in (project.root / "site/index.html").read_text()
