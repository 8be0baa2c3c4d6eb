"""Every benchmark runs, on sizes that say nothing about speed, and its page can be written."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from medad.backbones.resnet import build
from medad.backbones.spec import TrunkSpec
from medad.data.phantom import healthy_image
from medad.files import write_safetensors

FOLDER = Path(__file__).resolve().parents[1] / "benchmarks"
SMALL = {
    "coreset.py": "--features 300 --dimension 8 --repeats 1 --threads 1",
    "search.py": "--queries 200 --bank 50 --dimension 8 --neighbors 3 --repeats 1 --threads 1",
    "features.py": "--images 2 --side 32 --repeats 1 --threads 1",
    "patchcore.py": "--images 9 --side 32 --threads 1",
    "stage1.py": "--side 48 --epochs 2 --repeats 1 --threads 1",
    "forward.py": "--side 32 --repeats 1",
    "table.py": "--preset quick --only "
    'runs={"tables":["table1"],"figures":[],"shots":[2],"replicates":1}',
    "scaling.py": "--axes shots --images 24 --side 32 --shots 1 --replicates 1 --factor 2",
    "evaluation.py": "--images 12 --side 32 --resamples 50 --threads 1",
    "lineage.py": "--steps 100 --repeats 1",
    "soft_topk.py": "--positions 40 --rows 2 --channels 4 --batch 2 --repeats 1",
}


def test_every_timed_question_is_here() -> None:
    scripts = {path.name for path in FOLDER.glob("*.py")}
    others = {"measure.py", "run.py", "peer.py", "bank.py", "project.py", "agreement.py"}
    assert scripts - others == set(SMALL)


@pytest.mark.parametrize("script", SMALL)
def test_a_benchmark_reports_a_ratio(script: str) -> None:
    command = [sys.executable, str(FOLDER / script), *SMALL[script].split()]
    done = subprocess.run(command, capture_output=True, text=True, cwd=FOLDER.parent)
    assert done.returncode == 0, done.stderr
    for line in done.stdout.splitlines():
        row = json.loads(line)
        assert row["ratio"] == pytest.approx(row["other"] / row["ours"])
        assert row["ours"] > 0
        assert row["setting"]


def test_the_blocked_coreset_chooses_what_the_plain_one_does() -> None:
    command = [sys.executable, str(FOLDER / "coreset.py"), *SMALL["coreset.py"].split()]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "100.0% the same choices" in done.stdout


def test_a_bank_of_features_is_written_and_used(tmp_path: Path) -> None:
    trunk = build(TrunkSpec(name="resnet18", depth=3), torch.Generator().manual_seed(0))
    write_safetensors(tmp_path / "weights", trunk.state_dict(), {})
    (tmp_path / "images").mkdir()
    for number in range(2):
        Image.fromarray(healthy_image(0, number, 48)).save(tmp_path / f"images/{number}.png")
    bank = ("--side", "32", "--turns", "2", "--weights", "weights", "bank.npy", "images")
    coreset = ("--bank", "bank.npy", "--fraction", "0.25", "--repeats", "1", "--passes", "3")
    for script, options in (("bank.py", bank), ("coreset.py", (*coreset, "--max-memory", "9000"))):
        command = [sys.executable, str(FOLDER / script), *options]
        done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
    # 2 images, 2 turns, 4 x 4 positions of 128 + 256 channels.
    assert np.load(tmp_path / "bank.npy").shape == (64, 384)
    row = json.loads(done.stdout)
    assert row["setting"].startswith("16 of 64 x 384")
    assert "100.0% the same choices, from 3 of them" in row["against"]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """The module that gathers rows, writing elsewhere."""
    monkeypatch.syspath_prepend(str(FOLDER))
    spec = importlib.util.spec_from_file_location("benchmarks_run", FOLDER / "run.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "DOCS", tmp_path)
    return module


def test_the_page_holds_every_row_and_the_latest_of_a_command(run: Any, tmp_path: Path) -> None:
    row = {
        "question": "search",
        "setting": "s",
        "against": "product",
        "wanted": "1",
        "ours": 2.0,
        "other": 3.0,
        "ratio": 1.5,
    }
    for machine, command, ours in (
        ("A", "x", 9.0),
        ("A", "y", 2.0),
        ("B", "x", 4.0),
        ("A", "x", 5),
    ):
        run.keep(machine, command, date(2026, 1, 2), [{**row, "ours": ours}])
    lines = (tmp_path / "benchmarks.md").read_text().splitlines()
    expected = "| search | s | {} s | product | 3.00 s | 1.50 | 1 | 2026-01-02 |"
    found = [line for line in lines if line.endswith(":") or line.startswith("| search")]
    first, second, other = (expected.format(ours) for ours in ("5.00", "2.00", "4.00"))
    assert found == ["A:", first, second, "B:", other]
    assert re.fullmatch(r".+, \d+ cores, GPU .+; python 3.+", run.described())


def test_the_page_in_docs_is_that_of_its_results(run: Any) -> None:
    docs = FOLDER.parent / "docs"
    found = json.loads((docs / "benchmarks.json").read_text())
    assert (docs / "benchmarks.md").read_text() == run.page(found)
