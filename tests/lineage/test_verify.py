"""A finished project is clean, whatever was touched; what was changed is named with its numbers."""

from __future__ import annotations

import json
import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from project import Project
from small_project import Small, run

from medad import layout
from medad.errors import MedadError
from medad.files import write_json
from medad.lineage.verify import verify, verify_files

CONSULT_K2 = "results/tables/table1.csv phantom/grouped/CONSULT/K2"
PADIM_K4 = "results/tables/table1.csv phantom/grouped/PaDiM/K4"
RUNS = 100


def flip(path: Path, at: int) -> None:
    path.chmod(0o644)
    content = bytearray(path.read_bytes())
    content[at % len(content)] ^= 1
    path.write_bytes(content)


@pytest.fixture(scope="module")
def root(finished: Project, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `verify` looks at, in another place; MLflow's file and DVC's settings among it."""
    target = tmp_path_factory.mktemp("verify") / "copy"
    for name in ("results", ".prov", ".dvc"):
        ignored = shutil.ignore_patterns("cache") if name != "results" else None
        shutil.copytree(finished.root / name, target / name, ignore=ignored)
    for name in ("mlflow.db", "Snakefile", "params.yaml"):
        shutil.copy(finished.root / name, target / name)
    return target


@pytest.mark.engine
def test_a_hundred_runs_after_files_were_touched_find_nothing(root: Path) -> None:
    draw = random.Random(5)
    files = sorted(path for path in root.rglob("*") if path.is_file())
    for _ in range(RUNS):
        for path in draw.sample(files, 20):
            moment = draw.randrange(1, 4_000_000_000)
            os.utime(path, (moment, moment))
        assert verify(root) == ([], [])


@pytest.mark.engine
@pytest.mark.parametrize("path", ["results/tables/table1.csv", "results/tables/table1.cells.json"])
def test_a_table_rests_on_all_but_the_figure(root: Path, path: str) -> None:
    figure = root / "results/figures/phantom/grouped/figure1.png"
    before = figure.read_bytes()
    figure.write_bytes(b"other")
    extra = root / "results/tables/more.txt"
    extra.touch()
    assert verify(root, path) == ([], [])
    named = {finding.path for finding in verify(root)[0]}
    assert named == {
        figure.relative_to(root).as_posix(),
        extra.relative_to(root).as_posix(),
    }
    figure.write_bytes(before)
    extra.unlink()


@pytest.mark.engine
def test_the_command_prints_the_numbers_and_fails(copy: Callable[[], Project]) -> None:
    project = copy()
    assert project.medad("verify").stdout.strip() == "verified: nothing has changed"
    flip(project.root / "results/heads/phantom/grouped/padim/k4/r0.safetensors", 40)
    flip(project.root / "results/stage1/phantom/grouped/consult/k2/r0.events.jsonl", 9)
    entry = next((project.root / ".prov/index").glob("*.json"))
    flip(entry, 300)
    done = project.medad("verify", "--all", check=False)
    assert done.returncode == 1
    assert "results/heads/phantom/grouped/padim/k4/r0.safetensors: changed" in done.stdout
    assert f"rests on it: {PADIM_K4}" in done.stdout
    assert f"rests on it: {CONSULT_K2}" in done.stdout
    target = "results/metrics/phantom/grouped/padim/k4/r0.json"
    done = project.medad("verify", target, "--json", check=False)
    found = json.loads(done.stdout)["findings"]
    heads = "results/heads/phantom/grouped/padim/k4/r0.safetensors"
    assert heads in {one["path"] for one in found}
    assert not any("consult" in one["path"] for one in found)
    assert project.medad("verify", "params.yaml", check=False).returncode == 2


@pytest.mark.engine
def test_a_result_of_another_version_is_a_broken_link(copy: Callable[[], Project]) -> None:
    """Each file agrees with its own manifest; the chain between them does not."""
    project = copy()
    place = "results/metrics/phantom/grouped/padim/k4/r0"
    kept = {s: (project.root / f"{place}{s}").read_bytes() for s in (".json", ".manifest.json")}
    project.change({"detectors": {"padim": {"regularisation": 0.5}}})
    project.snakemake()
    for suffix, content in kept.items():
        (project.root / f"{place}{suffix}").write_bytes(content)
    problems = {finding.path: finding.problem for finding in verify(project.root)[0]}
    assert "was made from another version" in problems[f"{place}.manifest.json"]


def test_findings_name_the_numbers(tmp_path: Path) -> None:
    root = Small(tmp_path).root
    assert verify(root)[0] == []
    head = layout.output("head", run("a"), "head")
    flip(root / head, 0)
    [found] = verify(root)[0]
    assert (found.path, found.problem) == (head, "changed since it was made")
    assert found.resting.cells == ("results/tables/t.csv d/s/A/K2",)
    assert verify(root, layout.output("metrics", run("b"), "metrics"))[0] == []
    assert [one.path for one in verify_files(root, [head])] == [head]
    assert verify_files(root, [layout.output("head", run("b"), "head")]) == []
    with pytest.raises(MedadError, match="nothing is known of this artifact"):
        verify(root, "results/tables/other.csv")


def test_a_table_without_its_manifest_loses_every_cell(tmp_path: Path) -> None:
    root = Small(tmp_path).root
    (root / layout.manifest("table", {"table": "t"})).unlink()
    findings = {one.path: one for one in verify(root)[0]}
    assert set(findings) == {f"results/tables/t{end}" for end in (".csv", ".md", ".cells.json")}
    found = findings["results/tables/t.csv"]
    assert found.problem.startswith("extra: its manifest")
    assert found.resting.cells == ("every cell of results/tables/t.csv",)


def test_an_old_file_of_no_step_is_a_note_when_away_and_a_problem_when_changed(
    tmp_path: Path,
) -> None:
    made = Small(tmp_path)
    teacher = "data/weights/teacher.safetensors"
    (tmp_path / "data/weights").mkdir(parents=True)
    (tmp_path / teacher).write_bytes(b"teacher")
    made.step("head", run("c"), {"teacher": teacher}, {"head": b"c"})
    assert verify(tmp_path) == ([], [])
    (tmp_path / teacher).write_bytes(b"other")
    [found] = verify(tmp_path)[0]
    assert found.path == teacher
    assert "Snakemake would make that again" in found.problem
    (tmp_path / teacher).unlink()
    findings, notes = verify(tmp_path)
    assert findings == []
    assert notes[0].startswith(f"{teacher}: not here; known by hash")


def test_what_a_publication_leaves_out_is_a_note(tmp_path: Path) -> None:
    root = Small(tmp_path).root
    head = layout.output("head", run("a"), "head")
    known = json.loads((root / layout.manifest("head", run("a"))).read_text())
    (root / head).unlink()
    assert [one.problem for one in verify(root)[0]] == ["missing"]
    write_json(root / ".prov/unpublished.json", {head: known["outputs"]["head"]["sha256"]})
    assert verify(root) == ([], ["1 files were not published with the table; known by hash"])
