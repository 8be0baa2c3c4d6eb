"""ADFA's tables and pictures by the engine: all of a pool as shots, cropped images, sizes."""

from __future__ import annotations

import csv
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
import yaml
from project import Project

pytestmark = [pytest.mark.engine, pytest.mark.slow]
KEPT = ("padim", "rdad", "adfa")
SCORINGS = ("adfa", "adfa_average_score")  # of the same trainings
READINGS = ("adfa", "adfa_untrained", "adfa_code", "adfa_code_divergence")
FEWSHOT = ("patchcore", "adfa")
FIGURES = ["adfa_samples", "adfa_curves", "adfa_attention", "adfa_distances"]


def test_tables_and_pictures_of_adfa(tmp_path: Path) -> None:
    project = Project(tmp_path / "project")
    path = project.root / "workflow/tables/adfa.yaml"
    entries = yaml.safe_load(path.read_text())
    rows = entries["adfa_table1"]["rows"]
    entries["adfa_table1"]["rows"] = [row for row in rows if row["method"] in KEPT]
    rows = entries["adfa_table3"]["rows"]
    entries["adfa_table3"]["rows"] = [row for row in rows if row["method"] in SCORINGS]
    rows = entries["adfa_readings"]["rows"]
    entries["adfa_readings"]["rows"] = [row for row in rows if row["method"] in READINGS]
    path.write_text(yaml.safe_dump(entries))
    numbers = {"phantom": {"pool": 14, "test": 8, "anomalous": 8}}
    project.change(
        {
            "runs": {
                "tables": ["adfa_table1", "adfa_table2", "adfa_table3", "adfa_readings"],
                "figures": FIGURES,
                "splits": ["adfa"],
                "shots": ["full"],
            },
            "image": {"side": 64, "resize": 72},
            "splits": {"adfa": {"numbers": numbers}},
            "methods": {"adfa_code": {"normalisation": {"phantom": "half"}}},
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
    heads = {path.name for path in (results / "heads/phantom/adfa").iterdir()}
    assert heads == {*KEPT, "adfa_untrained", "adfa_code"}
    assert {path.name for path in (results / "weights").glob("*.safetensors")} == {
        "resnet18.random.safetensors",
        "resnet18.random-half.safetensors",
    }
    with (results / "shots/phantom/adfa/kfull/r0.csv").open(newline="") as stream:
        assert len(list(csv.DictReader(stream))) == 14
    with (results / "tables/adfa_table2.csv").open(newline="") as stream:
        sizes, *others = csv.DictReader(stream)
    assert {line["row"] for line in others} == {"BrainMRI", "Covid", "BUSI", "SIPaKMeD"}
    assert {line["verdict"] for line in others} == {"not here"}
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
    assert "3 tables, 9 cells" in page
    with closing(sqlite3.connect(project.root / "mlflow.db")) as database:
        query = "SELECT DISTINCT r.name FROM metrics m JOIN runs r USING (run_uuid) WHERE m.key = ?"
        trained = {name for (name,) in database.execute(query, ("topk_mass",))}
    assert trained == {f"phantom/adfa/{name}/kfull/r0" for name in ("adfa", "adfa_code")}
    assert 'id="adfa_table2"' in (project.root / "site/index.html").read_text()
    project.change({"detectors": {"adfa": {"smooth": 1.0}}})
    planned = project.planned()
    assert {f"score:{method}" for method in SCORINGS} <= planned
    assert not {job for job in planned if job.startswith("head")}


def test_two_shots_and_the_whole_pool_in_one_table(tmp_path: Path) -> None:
    project = Project(tmp_path / "project").without_tracking()
    path = project.root / "workflow/tables/adfa.yaml"
    entries = yaml.safe_load(path.read_text())
    rows = entries["fewshot_all"]["rows"]
    entries["fewshot_all"]["rows"] = [row for row in rows if row["method"] in FEWSHOT]
    path.write_text(yaml.safe_dump(entries))
    project.change(
        {
            "runs": {"tables": ["fewshot_all"], "figures": [], "shots": [2, "full"]},
            "detectors": {"adfa": {"epochs": 2}},
        }
    )
    project.snakemake()
    with (project.root / "results/tables/fewshot_all.csv").open(newline="") as stream:
        lines = list(csv.DictReader(stream))
    assert [(line["method"], line["shots"]) for line in lines] == [
        (method, shots) for method in FEWSHOT for shots in ("2", "full", "all")
    ]
    assert all(0 <= float(line["auroc"]) <= 1 for line in lines)
    shown = (project.root / "results/tables/fewshot_all.md").read_text()
    assert "| image AUROC | K2 | full | mean over K |" in shown
    draws = project.root / "results/shots/phantom/grouped"
    pool = (draws / "kfull/r0.csv").read_text().splitlines()
    assert set((draws / "k2/r0.csv").read_text().splitlines()) < set(pool)
    assert project.planned() == set()
