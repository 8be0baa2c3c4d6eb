"""What DVC's users look at: metrics, plots and experiments over our stages."""

from __future__ import annotations

import json
import re

import pytest
from project import Project

pytestmark = [pytest.mark.engine, pytest.mark.slow]
NUMBERS = "results/summary/metrics/table1.json"


@pytest.fixture(scope="module")
def committed(finished: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A finished project whose stages are committed to DVC and Git."""
    project = finished.copy(tmp_path_factory.mktemp("views") / "committed").without_tracking()
    assert project.medad("dvc", "commit").stdout.endswith("tables, summary\n")
    project.commit()
    return project


def test_metrics_and_plots_are_those_of_the_table(committed: Project) -> None:
    (shown,) = json.loads(committed.dvc("metrics", "show", "--json").stdout).values()
    cells = shown["data"][NUMBERS]["data"]["phantom"]["grouped"]
    assert set(cells) == {"PaDiM", "PatchCore", "CONSULT"}
    assert cells["CONSULT"]["K4"]["auroc"] == 0.7019
    committed.dvc("plots", "show", "--out", "dvc_plots")
    page = (committed.root / "dvc_plots/index.html").read_text()
    spec = json.loads(re.search(r"var spec = (\{.*\});", page)[1])  # type: ignore[index]
    drawn = {(p["row"], p["shots"], p["auroc"]) for p in spec["data"]["values"]}
    assert ("CONSULT", "4", "0.7019") in drawn
    assert len(drawn) == 6
    assert spec["spec"]["encoding"]["color"]["field"] == "row"
    assert committed.git("status", "--porcelain") == ""


def test_an_experiment_runs_in_the_workspace_and_is_compared(committed: Project) -> None:
    before = len(committed.records())
    committed.dvc("exp", "run", "--name", "fewer", "-S", "params.yaml:evaluation.resamples=100")
    assert {label for _, label in committed.actions(before)} == {"intervals", "table"}
    assert committed.dvc("status").stdout.strip() == "Data and pipelines are up to date."

    found = json.loads(committed.dvc("metrics", "diff", "HEAD", "--json").stdout)
    changed = found[NUMBERS]
    assert {name.rpartition(".")[2] for name in changed} == {"low", "high"}

    (head,) = [
        e for e in json.loads(committed.dvc("exp", "show", "--json").stdout) if e["experiments"]
    ]
    (made,) = head["experiments"][0]["revs"]
    assert head["experiments"][0]["name"] == "fewer"
    cells = made["data"]["metrics"][NUMBERS]["data"]["phantom"]["grouped"]
    now = json.loads((committed.root / NUMBERS).read_text())["phantom"]["grouped"]
    assert cells == now

    committed.git("checkout", "--", ".")
    committed.dvc("checkout")
    before = len(committed.records())
    committed.dvc("repro")
    assert len(committed.records()) == before
    assert committed.git("status", "--porcelain") == ""
