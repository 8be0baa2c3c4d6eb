"""tools/environment.py: what it says before it installs anything."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("environment", ROOT / "tools/environment.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_good_machine_has_no_problem(tool: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tool.shutil, "disk_usage", lambda path: SimpleNamespace(free=50e9))
    assert tool._problem(False) is None
    assert tool._problem(True) is None


def test_each_problem_is_named_with_its_remedy(
    tool: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tool.shutil, "disk_usage", lambda path: SimpleNamespace(free=2e9))
    assert "2.0 GB free here, 9 GB needed" in tool._problem(False)
    assert "2.5 GB needed" in tool._problem(True)
    found = importlib.util.find_spec
    absent = {"torch"}
    monkeypatch.setattr(
        tool.importlib.util, "find_spec", lambda name: None if name in absent else found(name)
    )
    assert "has no torch; leave PYTHON unset" in tool._problem(True)
    absent.add("ensurepip")
    assert "Python's venv module is missing; install it" in tool._problem(False)
    monkeypatch.setattr(tool.sys, "version_info", (3, 10, 1))
    assert "got Python 3.10; requirements.lock is for 3.11" in tool._problem(False)


def test_the_lock_pins_every_package_by_hash_and_names_no_host() -> None:
    for name in ("requirements.lock", "requirements-cuda.lock"):
        text = (ROOT / name).read_text()
        blocks = re.split(r"(?m)^(?=\S+==)", text)[1:]
        assert len(blocks) > 10
        assert all("--hash=sha256:" in block for block in blocks)
        assert "://" not in text
    main = (ROOT / "requirements.lock").read_text()
    for needed in ("hatchling==", "torch==", "snakemake==", "pytest==", "mlflow=="):
        assert f"\n{needed}" in main
