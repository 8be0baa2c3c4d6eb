"""Every benchmark runs, on sizes that say nothing about speed, and its page can be written."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[1] / "benchmarks"
SMALL = {
    "coreset.py": "--features 300 --dimension 8 --repeats 1 --threads 1",
    "search.py": "--queries 200 --bank 50 --dimension 8 --neighbors 3 --repeats 1 --threads 1",
    "features.py": "--images 2 --side 32 --repeats 1 --threads 1",
    "patchcore.py": "--images 9 --side 32 --threads 1",
    "stage1.py": "--side 48 --epochs 2 --repeats 1 --threads 1",
    "scaling.py": "--axes shots --images 24 --side 32 --shots 1 --replicates 1 --factor 2",
    "evaluation.py": "--images 12 --side 32 --resamples 50 --threads 1",
}


def test_every_timed_question_is_here() -> None:
    scripts = {path.name for path in FOLDER.glob("*.py")}
    assert scripts - {"measure.py", "run.py", "overhead.py", "peer.py", "bank.py"} == set(SMALL)


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


def test_the_page_holds_every_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(FOLDER))
    spec = importlib.util.spec_from_file_location("benchmarks_run", FOLDER / "run.py")
    assert spec is not None
    assert spec.loader is not None
    run = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(run)
    row = {
        "question": "search",
        "setting": "s",
        "against": "product",
        "wanted": "1",
        "ours": 2.0,
        "other": 3.0,
        "ratio": 1.5,
    }
    text = run.page([row, row], date(2026, 1, 2))
    assert text.count("| search | s | 2.00 s | product | 3.00 s | 1.50 | 1 |") == 2
    assert re.search(r"2026-01-02: .+, \d+ cores, GPU .+; python 3", text)
