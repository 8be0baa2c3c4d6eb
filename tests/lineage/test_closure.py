from __future__ import annotations

import hashlib

import pytest

from medad.config.load import load
from medad.lineage.closure import PACKAGE, closure, module_of
from medad.plan import Plan


def test_a_closure_follows_imports_and_hashes_sources() -> None:
    found = closure(["medad.pretraining.consult"])
    assert "losses/tritanh.py" in found
    assert "detectors/patchcore.py" not in found
    source = (PACKAGE / "losses/tritanh.py").read_bytes()
    assert found["losses/tritanh.py"] == hashlib.sha256(source).hexdigest()


def test_no_step_depends_on_what_schedules_or_records_it() -> None:
    root = PACKAGE.parents[1]
    for half in Plan(root, load(root)).halves().values():
        outside = ("cli/", "config/", "lineage/", "registry.py", "plan.py", "tracking/")
        assert not [name for name in half["code"] if name.startswith(outside)]


def test_only_rendering_depends_on_reporting() -> None:
    root = PACKAGE.parents[1]
    for half in Plan(root, load(root)).halves().values():
        reporting = [name for name in half["code"] if name.startswith("reporting/")]
        assert bool(reporting) == (half["kind"] in ("table", "sizes", "figure")), half["kind"]


def test_a_method_that_imports_the_scheduler_is_refused() -> None:
    with pytest.raises(ValueError, match=r"medad\.plan is outside every closure"):
        closure(["medad.plan"])


def test_the_module_of_a_registered_name() -> None:
    assert module_of("medad.detectors.padim:Padim") == "medad.detectors.padim"
