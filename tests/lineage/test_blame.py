"""A thousand changed bytes: each is found, and the numbers blamed are those an oracle finds."""

from __future__ import annotations

import json
import os
import random
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from project import Project
from small_project import DRAW, Small, run

from medad import layout
from medad.lineage import inventory
from medad.lineage.blame import Blame, Resting
from medad.lineage.verify import verify_files

CHANGES = 1000


class Oracle:
    """Ancestry told from raw JSON alone, without medad's graph or layout."""

    def __init__(self, root: Path) -> None:
        self.maker: dict[str, str] = {}  # file -> manifest of the step that made it
        self.inputs: dict[str, dict[str, Any]] = {}  # manifest -> its inputs
        self.of_key: dict[str, str] = {}
        for file in root.glob("results/**/*.manifest.json"):
            path, found = file.relative_to(root).as_posix(), json.loads(file.read_text())
            self.maker[path] = path
            self.maker.update({item["path"]: path for item in found["outputs"].values()})
            self.inputs[path] = found["inputs"]
            self.of_key[found["key"]] = path
        self.table = "results/tables/table1.manifest.json"
        self.about = json.loads((root / self.table).read_text())
        cells = json.loads((root / "results/tables/table1.cells.json").read_text())["cells"]
        self.rests = {name: self._below(cell) for name, cell in cells.items()}

    def _below(self, cell: dict[str, Any]) -> set[str]:
        """Its metrics; the scores and shots its intervals are of."""
        inputs, baseline = self.about["inputs"], self.about["params"]["baseline"]
        intervals = self.inputs[self.maker[inputs[cell["intervals"]]["path"]]]
        own = {tuple(name.split("/")[3:]) for name in cell["metrics"]}  # method, k4, r0
        method = next(iter(own))[0]
        read = {inputs[name]["path"] for name in cell["metrics"]}
        for name, item in intervals.items():
            kind, *run = name.split("/")
            # max-|t| is over all K of a difference, and the baseline has none from itself.
            at_every_k = method != baseline and run[0] in (method, baseline)
            if kind == "shots" or tuple(run) in own or at_every_k:
                read.add(item["path"])
        return set().union(*(self._up(self.maker[path]) for path in read))

    def _up(self, manifest: str) -> set[str]:
        read = [item["path"] for item in self.inputs[manifest].values()]
        above = {self.maker[path] for path in read if path in self.maker}
        return {manifest}.union(*(self._up(one) for one in above))

    def owner(self, path: str) -> str:
        if path.startswith(("results/records/", ".prov/index/")):
            key = path.split("/")[3] if path.startswith("results") else Path(path).stem
            return self.of_key[key]
        return self.maker[path]

    def cells(self, path: str) -> set[str]:
        """Numbers that rest on a file, as they are named."""
        owner, csv = self.owner(path), "results/tables/table1.csv"
        if path in (self.table, "results/tables/table1.cells.json"):
            return {f"every cell of {csv}"}
        if owner == self.table or ".intervals." in owner:
            return {f"{csv} {name}" for name in self.rests}
        return {f"{csv} {name}" for name, rests in self.rests.items() if owner in rests}


@contextmanager
def changed(path: Path, at: int, by: int) -> Iterator[None]:
    """One byte of a file, and back; the time moves on, as it does between two real changes."""

    def turn() -> None:
        with path.open("r+b") as stream:
            stream.seek(at)
            byte = stream.read(1)[0]
            stream.seek(at)
            stream.write(bytes([byte ^ by]))
        later = path.stat().st_mtime_ns + 1_000_000_000
        os.utime(path, ns=(later, later))

    turn()
    yield
    turn()


@pytest.mark.engine
def test_each_of_a_thousand_changes_is_found_and_blamed_as_an_oracle_does(
    finished: Project, tmp_path: Path
) -> None:
    for name in ("results", ".prov/index"):
        shutil.copytree(finished.root / name, tmp_path / name)
    shutil.copy(finished.root / ".prov/settings.json", tmp_path / ".prov/settings.json")
    oracle, draw = Oracle(tmp_path), random.Random(11)
    files = [p for place in ("results", ".prov/index") for p in (tmp_path / place).rglob("*")]
    names = sorted(p.relative_to(tmp_path).as_posix() for p in files if p.is_file())
    names = [name for name in names if (tmp_path / name).stat().st_size]
    suffixes = {"".join(Path(name).suffixes) for name in names}
    assert {".zip", ".npz", ".csv", ".parquet", ".manifest.json", ".cells.json"} <= suffixes
    # Every file several times; the order is drawn.
    chosen = [names[number % len(names)] for number in range(CHANGES)]
    draw.shuffle(chosen)
    for name in chosen:
        file = tmp_path / name
        with changed(file, draw.randrange(file.stat().st_size), draw.randrange(1, 256)):
            findings = verify_files(tmp_path, [name])
        found = [finding for finding in findings if finding.path == name]
        assert found, name
        assert {cell for one in found for cell in one.resting.cells} == oracle.cells(name), name
        assert {one.path for one in findings} <= {name, *_inside(findings, name)}
    assert verify_files(tmp_path, names) == []


def _inside(findings: list[Any], name: str) -> set[str]:
    """Images of a changed archive."""
    return {one.path for one in findings if one.path.startswith(f"{name}/")}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return Small(tmp_path).root


def resting(root: Path, kind: str, identity: layout.Identity, *wrong: str) -> Resting:
    known = inventory.take(root, inventory.every(root))
    numbers = {path: step for step, path in known.manifests()}
    return Blame(known, wrong).of(numbers[layout.manifest(kind, identity)])


def test_the_baseline_is_behind_every_cell_and_another_method_behind_its_own(root: Path) -> None:
    a, b = "results/tables/t.csv d/s/A/K2", "results/tables/t.csv d/s/B/K2"
    assert resting(root, "head", run("a")) == Resting((a,), (), 2)
    assert resting(root, "head", run("b")).cells == (a, b)
    assert resting(root, "shots", DRAW).cells == (a, b)
    assert resting(root, "intervals", {"dataset": "d", "split": "s", "table": "t"}).cells == (a, b)
    assert resting(root, "table", {"table": "t"}) == Resting((a, b), (), 0)


def test_a_cell_of_one_k_rests_on_the_scores_of_every_k_and_on_no_metrics_of_another(
    tmp_path: Path,
) -> None:
    """Of a difference all K have one critical value; the baseline's cells have no difference."""
    Small(tmp_path, (2, 4))
    a2, a4, b2, b4 = (
        f"results/tables/t.csv d/s/{cell}" for cell in ("A/K2", "A/K4", "B/K2", "B/K4")
    )
    for kind in ("head", "score"):
        assert resting(tmp_path, kind, run("a")).cells == (a2, a4)
        assert resting(tmp_path, kind, run("b")).cells == (a2, a4, b2)
        assert resting(tmp_path, kind, run("b", 4)).cells == (a2, a4, b4)
    assert resting(tmp_path, "metrics", run("a")).cells == (a2,)
    assert resting(tmp_path, "metrics", run("b", 4)).cells == (b4,)
    # Resamples that leave any draw without a class count for no cell.
    assert resting(tmp_path, "shots", DRAW).cells == (a2, a4, b2, b4)


def test_cells_of_a_map_that_cannot_be_believed_are_not_named(root: Path) -> None:
    every = ("every cell of results/tables/t.csv",)
    file = "results/tables/t.cells.json"
    assert resting(root, "head", run("a"), file).cells == every
    (root / file).write_text('{"cells": {"d/s/A/K2": {}}}')
    assert resting(root, "head", run("a")).cells == every
    (root / layout.manifest("table", {"table": "t"})).write_text("{")
    assert resting(root, "table", {"table": "t"}).cells == every


def test_figures_are_named_and_a_file_of_no_step_blames_nothing(tmp_path: Path) -> None:
    made = Small(tmp_path)
    picture = {"dataset": "d", "split": "s", "figure": "f"}
    read = {"scores": layout.output("score", run("a"), "scores")}
    made.step("figure", picture, read, {"figure": b"png"})
    found = resting(tmp_path, "score", run("a"))
    assert found.figures == ("results/figures/d/s/f.manifest.json",)
    known = inventory.take(tmp_path, inventory.every(tmp_path))
    assert Blame(known, ()).of(None) == Resting()
