"""The audit of a cell against what is recomputed from disk without medad's lineage."""

from __future__ import annotations

import csv
import hashlib
import json
import re
import zipfile
from typing import Any

import pyarrow.parquet as pq
import pytest
from project import Project

pytestmark = pytest.mark.engine
CELL = ("results/tables/table1.csv", "--row", "CONSULT", "--column", "K4")


@pytest.fixture(scope="module")
def found(finished: Project) -> dict[str, Any]:
    return dict(json.loads(finished.medad("audit", *CELL, "--json").stdout))


def test_the_images_are_those_of_split_and_draws(finished: Project, found: dict[str, Any]) -> None:
    root = finished.root / "results"
    with zipfile.ZipFile(root / "index/phantom/images.zip") as archive:
        hashes = {n: hashlib.sha256(archive.read(n)).hexdigest() for n in archive.namelist()}
    with (root / "shots/phantom/grouped/k4/r0.csv").open() as stream:
        shots = {row["path"] for row in csv.DictReader(stream)}
    rows = pq.read_table(root / "splits/phantom/grouped.parquet").to_pylist()
    test = {row["path"] for row in rows if row["test"]} - shots
    validation = {row["path"] for row in rows if row["validation"]} - shots
    assert len(shots) == 4
    assert set(found["images"]["shots"]) == {hashes[path] for path in shots}
    assert set(found["images"]["test"]) == {hashes[path] for path in test}
    assert set(found["images"]["validation"]) == {hashes[path] for path in validation}


def test_every_link_of_the_chain_is_named(finished: Project, found: dict[str, Any]) -> None:
    (run,) = found["runs"]
    assert set(run["artifacts"]) == {
        *("metrics", "score", "head", "stage1", "pairs", "shots", "split", "index", "phantom"),
        "weights",
    }
    for outputs in run["artifacts"].values():
        for path, digest in outputs.items():
            content = (finished.root / path).read_bytes()
            assert hashlib.sha256(content).hexdigest() == digest
    assert set(run["seeds"]) >= {"shots", "pairs", "stage1", "head"}
    assert run["values"]["auroc"] == pytest.approx(found["number"]["value"], abs=5e-5)
    parameters = found["parameters"]
    assert parameters["stage1"]["koleo"] == "norm"
    assert parameters["pairs"]["fill"] == "mu_sigma"
    assert parameters["head"]["neighbors"] == 9
    assert found["weights"][0]["params"]["weights"] == "random"


def test_code_machine_and_libraries_are_named(finished: Project, found: dict[str, Any]) -> None:
    modules = found["code"]["modules"]
    source = finished.root / "src/medad/losses/tritanh.py"
    assert modules["losses/tritanh.py"] == hashlib.sha256(source.read_bytes()).hexdigest()
    assert found["code"]["changed_since"] == []
    assert [c["commit"] for c in found["commits"]] == [finished.git("rev-parse", "HEAD").strip()]
    assert found["libraries"][0]["torch"]
    assert found["machines"][0]["cpu"]
    assert found["records"]["computed"] == found["steps"]
    assert found["mlflow"]
    assert found["contested"][0]["split"].endswith("grouped.leakage.json")


def test_the_text_says_the_same(finished: Project, found: dict[str, Any]) -> None:
    text = finished.medad("audit", *CELL).stdout
    assert f"phantom/grouped/CONSULT/K4 = {found['number']['value']}" in text
    for needed in ("draw", "pairs:", "stage1:", "head:", "score:", "weights:", "commit "):
        assert needed in text
    for needed in ("machine: ", "environment: ", "seeds", "MLflow run"):
        assert needed in text
    hashes = re.findall(r"sha256 (\w*)", text)
    assert len(hashes) > 60
    assert {len(digest) for digest in hashes} == {12}  # no line is cut
    assert f"system {found['machines'][0]['system']}" in text


def test_any_artifact_can_be_audited(finished: Project) -> None:
    path = "results/heads/phantom/grouped/padim/k4/r0.safetensors"
    found = json.loads(finished.medad("audit", path, "--json").stdout)
    assert set(found["parameters"]) == {"head", "shots", "split", "index", "phantom", "weights"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["params.yaml"], "not an artifact of medad"),
        (["results/tables/table9.csv"], "no manifest"),
        (["results/tables/table1.csv", "--row", "CONSULT"], "go together"),
        ([*CELL[:2], "MOON", "--column", "K4"], "is not a cell; cells: "),
        (["/"], "lies outside the project"),
    ],
)
def test_a_bad_question_is_one_line_and_status_2(
    finished: Project, arguments: list[str], message: str
) -> None:
    done = finished.medad("audit", *arguments, check=False)
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
