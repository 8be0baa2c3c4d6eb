"""The audit of a cell against what is recomputed from disk without medad's lineage."""

from __future__ import annotations

import csv
import hashlib
import json
import re
import sqlite3
import zipfile
from collections.abc import Callable
from typing import Any

import pyarrow.parquet as pq
import pytest
from project import Project

from medad.errors import MedadError
from medad.lineage import audit

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
    assert parameters["head"]["coreset"] == 0.1
    assert parameters["score"]["neighbors"] == 9
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
    assert f"phantom/grouped/CONSULT/K4 = {found['number']['value']:.4f}\n" in text
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


def test_the_number_is_that_of_the_table_with_the_papers(
    finished: Project, found: dict[str, Any]
) -> None:
    with (finished.root / CELL[0]).open() as stream:
        (line,) = [
            row for row in csv.DictReader(stream) if (row["row"], row["shots"]) == ("CONSULT", "4")
        ]
    number = found["number"]
    assert f"{number['value']:.4f}" == line["auroc"]
    for name in ("low", "high", "paper", "vs_baseline", "vs_low", "vs_high"):
        assert number[name] == float(line[name])
    assert number["sd"] is None  # one draw
    assert (number["verdict"], number["reason"]) == (line["verdict"], line["reason"])
    assert (number["published"], number["row_label"]) == ([0.8841], "certain")
    assert (number["baseline"], number["confidence"]) == ("patchcore", 0.95)


def test_readings_are_those_in_force(found: dict[str, Any]) -> None:
    """The tiny project's method trains another way than its section says."""
    readings = {reading["key"]: reading for reading in found["readings"]}
    koleo = readings["stage1.consult.koleo"]
    assert (koleo["value"], koleo["choices"]) == ("norm", ["norm", "nearest", "none"])
    fill = readings["synthesis.consult.fill"]
    assert (fill["value"], fill["default"], fill["literal"]) == ("mu_sigma", "mu_sigma", "literal")
    assert readings["stage1.consult.attention"]["value"] == "stage"
    # The preset overlays the section, and the method's own override is above it.
    assert readings["stage1.consult.attention"]["literal"] is None
    assert readings["image.side"]["value"] == 48


def test_doubts_name_the_split_the_method_and_the_paper(
    finished: Project, found: dict[str, Any]
) -> None:
    says = [(doubt["about"], doubt["says"]) for doubt in found["doubts"]]
    report = json.loads((finished.root / "results/splits/phantom/grouped.leakage.json").read_text())
    assert found["contested"][0] == {
        **found["contested"][0],
        "policy": "grouped",
        "leakage": report,
    }
    within = report["within"]["test"]
    assert any(f"test {within['groups']} ({within['images']} images)" in text for _, text in says)
    assert any(about == "method" and text.startswith("consult is reading") for about, text in says)
    assert {about for about, _ in says} == {"split", "method", "paper"}
    inferred = audit.cell(finished.root, CELL[0], "PaDiM", "K4", None, None)
    assert "row" in {doubt["about"] for doubt in inferred["doubts"]}


def test_mlflow_runs_are_named_with_their_experiment(
    finished: Project, found: dict[str, Any]
) -> None:
    assert {path.split("/")[1] for path in found["mlflow"]} == {"stage1", "metrics"}
    assert found["tracking"]["uri"] == "sqlite:///mlflow.db"
    with sqlite3.connect(finished.root / "mlflow.db") as store:
        known = dict(store.execute("SELECT run_uuid, experiment_id FROM runs"))
    assert found["tracking"]["experiments"] == {
        run: str(known[run]) for run in found["mlflow"].values()
    }


def test_damage_on_the_way_is_named(copy: Callable[[], Project]) -> None:
    root = copy().root
    made = root / "results/heads/phantom/grouped/consult/k4/r0.manifest.json"
    key = json.loads(made.read_text())["key"]
    (record,) = (root / "results/records" / key[:2] / key).iterdir()
    digest, output = "digest does not match", "changed since it was made"
    for damaged, message in (
        ("results/stage1/phantom/grouped/consult/k4/r0.manifest.json", digest),
        (record.relative_to(root).as_posix(), digest),
        ("results/tables/table1.csv", output),
        ("results/tables/table1.cells.json", output),
        ("results/scores/phantom/grouped/consult/k4/r0.parquet", output),
        ("results/splits/phantom/grouped.leakage.json", output),
    ):
        file = root / damaged
        whole = file.read_bytes()
        at = whole.find(b"5")
        file.write_bytes(whole[:at] + b"4" + whole[at + 1 :])
        with pytest.raises(MedadError, match=message) as raised:
            audit.cell(root, CELL[0], "CONSULT", "K4", None, None)
        assert damaged in str(raised.value)
        file.unlink()
        with pytest.raises(MedadError) as raised:
            audit.cell(root, CELL[0], "CONSULT", "K4", None, None)
        assert damaged.rpartition("/")[0] in str(raised.value)
        assert "\n" not in str(raised.value)
        file.write_bytes(whole)
    assert audit.cell(root, CELL[0], "CONSULT", "K4", None, None)["number"]["n"] == 1


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
