from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from project import Project

from medad.lineage import milestones
from medad.plan import STAGES

ROOT = Path(__file__).resolve().parents[2]


def test_the_stages_are_those_of_dvc_yaml_and_their_rules_exist() -> None:
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
    assert tuple(stages) == milestones.ALL == (*STAGES, "summary")
    assert stages.pop("summary")["cmd"] == "medad dvc metrics"
    rules = (ROOT / "workflow/rules/report.smk").read_text()
    for name, stage in stages.items():
        assert stage["cmd"].split()[1] == f"stage_{name}"
        assert re.search(rf"^rule stage_{name}:", rules, flags=re.M)
        assert all(list(out.values()) == [{"persist": True}] for out in stage["outs"])


@pytest.mark.engine
def test_a_stage_with_a_missing_file_is_not_committed(copy: Callable[[], Project]) -> None:
    project = copy()
    head = "results/heads/phantom/grouped/padim/k4/r0.safetensors"
    (project.root / head).unlink()
    done = project.medad("dvc", "commit", "heads", check=False)
    assert done.returncode == 2
    assert f"stage heads: {head} is missing; make it with `snakemake" in done.stderr


@pytest.mark.engine
def test_a_missing_table_is_made_again(copy: Callable[[], Project], finished: Project) -> None:
    project = copy()
    (project.root / "results/tables/table1.csv").unlink()
    project.snakemake()
    assert project.table() == finished.table()
