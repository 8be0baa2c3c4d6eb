from __future__ import annotations

import re
from pathlib import Path

import yaml

from medad.plan import STAGES

ROOT = Path(__file__).resolve().parents[2]


def test_the_stages_are_those_of_dvc_yaml_and_their_rules_exist() -> None:
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
    assert list(stages) == list(STAGES)
    rules = (ROOT / "workflow/rules/report.smk").read_text()
    for name, stage in stages.items():
        assert stage["cmd"].split()[1] == f"stage_{name}"
        assert re.search(rf"^rule stage_{name}:", rules, flags=re.M)
        assert all(list(out.values()) == [{"persist": True}] for out in stage["outs"])
