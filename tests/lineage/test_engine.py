from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from snakemake.io import is_flagged

from medad.config.load import load
from medad.lineage import engine
from medad.plan import Plan

ROOT = Path(__file__).resolve().parents[2]
WILDCARDS: Any = SimpleNamespace(
    items=lambda: {"dataset": "phantom", "split": "grouped", "method": "padim", "k": "2"}.items()
)


def test_big_files_are_ancient_and_small_ones_are_tracked() -> None:
    found = engine.needs(Plan(ROOT, load(ROOT)), "score")(WILDCARDS)
    assert found["key"] == ".prov/keys/score/phantom.padim.json"
    assert found["files"]
    assert all(is_flagged(path, "ancient") for path in found["files"])
    assert not any(is_flagged(path, "ancient") for path in found["tracked"])


def test_the_rules_parameter_is_the_key_files_content() -> None:
    content = engine.half(Plan(ROOT, load(ROOT)), "score")(WILDCARDS)
    assert json.loads(content)["params"]["dimensions"] == 100
