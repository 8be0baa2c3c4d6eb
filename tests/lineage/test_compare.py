"""Planted differences: exactly the planted cause is named, whatever lies between it and a table."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from forge import Forged, small_root, write_tables
from planted import CASES, CONSULT, OF_FOLDER, TABLE, Case

from medad.errors import MedadError
from medad.lineage.compare import compare
from medad.lineage.targets import Target


@pytest.fixture(scope="module")
def roots(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Case | None], Path]:
    """The folder whose configuration is read, for a case with its own tables."""

    @cache
    def root(name: str) -> Path:
        return small_root(tmp_path_factory.mktemp("root"))

    def of(case: Case | None) -> Path:
        if case is None or case.tables is None:
            return root("")
        own = root(case.name)
        tables = yaml.safe_load((own / "workflow/tables/consult.yaml").read_text())
        case.tables(tables)
        write_tables(own, tables)
        return own

    return of


@pytest.fixture(scope="module")
def forged(roots: Callable[[Case | None], Path]) -> Callable[[Mapping[str, Any]], Forged]:
    """What a case starts from, each made once."""
    known: dict[str, Forged] = {}

    def of(base: Mapping[str, Any]) -> Forged:
        return known.setdefault(repr(base), Forged(roots(None), **base))

    return of


def texts(found: dict[str, Any], part: str = "causes") -> list[str]:
    return [item["text"] for item in found[part]]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_exactly_the_planted_cause_is_named(
    case: Case,
    roots: Callable[[Case | None], Path],
    forged: Callable[[Mapping[str, Any]], Forged],
) -> None:
    old, new = forged(case.base), Forged(roots(case), **case.change)
    path = case.target.replace("phantom", "folder") if case.base == OF_FOLDER else case.target
    found = compare(Target(old, path, None), Target(new, path, None))
    assert not found["same"]
    said = texts(found)
    assert len(said) == len(case.causes), said
    for text, expected in zip(said, case.causes, strict=True):
        assert re.fullmatch(re.escape(expected).replace(r"\{\}", "[0-9a-f]{8}"), text), text
    back = compare(Target(new, path, None), Target(old, path, None))
    assert len(back["causes"]) == len(said)


def test_several_causes_are_all_named(
    roots: Callable[[Case | None], Path], forged: Callable[[Mapping[str, Any]], Forged]
) -> None:
    """At different depths: what lies behind a step that differs itself is not hidden by it."""
    alone = ("weight of a loss", "neighbours", "resamples", "leakage", "threads of scoring")
    cases = [case for case in CASES if case.name in alone]
    values = {key: value for case in cases for key, value in case.change["config"].items()}
    new = Forged(roots(None), config=values, code={"losses/koleo.py": "f" * 64})
    found = compare(Target(forged({}), TABLE, None), Target(new, TABLE, None))
    causes = {item["what"] for item in found["causes"]}
    assert causes == {
        *("koleo_weight", "neighbors", "resamples", "leakage.correlation", "threads"),
        "losses/koleo.py",
    }


def test_what_differs_above_equal_bytes_is_no_cause(
    roots: Callable[[Case | None], Path], forged: Callable[[Mapping[str, Any]], Forged]
) -> None:
    libraries = {"head": {"torch": "2.12"}}
    new = Forged(roots(None), libraries=libraries, unrecorded=("shots",))
    found = compare(Target(forged({}), TABLE, None), Target(new, TABLE, None))
    assert (found["same"], found["causes"], found["consequences"]) == (True, [], {})
    said = texts(found, "context")
    assert said[0].startswith("library torch: 2.13 -> 2.12, 2.13")
    assert said[1].startswith("record missing: none -> shots phantom/2")
    shots = "results/shots/phantom/grouped/k4/r0.csv"
    moved = Forged(roots(None), config={"detectors": {"patchcore": {"neighbors": 3}}})
    assert compare(Target(forged({}), shots, None), Target(moved, shots, None))["same"]


def test_broken_chains_are_said(
    roots: Callable[[Case | None], Path], forged: Callable[[Mapping[str, Any]], Forged]
) -> None:
    old, new = forged({}), Forged(roots(None), config=CONSULT)
    stale = Forged(roots(None), config=CONSULT)
    path = "results/stage1/phantom/grouped/consult/k2/r0.manifest.json"
    stale.files[path] = old.read(path)  # as if only what is below had been brought back
    (said, _) = texts(compare(Target(old, TABLE, None), Target(stale, TABLE, None)))
    assert said == "parameter stage1.tritanh.push: 0.5 -> 0.7 (1 step)"
    found = texts(compare(Target(old, TABLE, None), Target(stale, TABLE, None)))
    assert found[1].startswith("unknown: made from another version of results/stage1/phantom/")
    del new.files[path]
    assert f"unknown: no manifest in B ({path})" in texts(
        compare(Target(old, TABLE, None), Target(new, TABLE, None))
    )
    new.files[TABLE] = b"by hand"
    with pytest.raises(MedadError, match=r"table1.csv in forged: changed since it was made"):
        compare(Target(old, TABLE, None), Target(new, TABLE, None))
