"""Flip one byte anywhere: `verify` names the file and every number that rests on it."""

from __future__ import annotations

import json
import random
import shutil
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from project import Project

from medad.lineage.cells import affected
from medad.lineage.verify import verify

CONSULT_K2 = "results/tables/table1.csv phantom/grouped/CONSULT/K2"
PATCHCORE_K2 = "results/tables/table1.csv phantom/grouped/PatchCore/K2"
PADIM_K4 = "results/tables/table1.csv phantom/grouped/PaDiM/K4"

pytestmark = pytest.mark.engine


def flip(path: Path, at: int) -> None:
    path.chmod(0o644)
    content = bytearray(path.read_bytes())
    content[at % len(content)] ^= 1
    path.write_bytes(content)


@contextmanager
def flipped(path: Path, at: int) -> Iterator[None]:
    """One bit of one byte changed, and put back."""
    before = path.read_bytes()
    flip(path, at)
    yield
    path.write_bytes(before)


@pytest.fixture(scope="module")
def root(finished: Project, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy whose files are changed and put back."""
    target = tmp_path_factory.mktemp("verify") / "copy"
    shutil.copytree(finished.root, target, symlinks=True)
    return target


def cells(root: Path, path: str) -> set[str]:
    findings, _ = verify(root)
    return {name for f in findings if f.path == path for name in affected(root, f.affected)}


def test_a_finished_project_has_no_problems(finished: Project) -> None:
    assert verify(finished.root) == ([], [])


def test_any_flipped_byte_is_found_and_its_file_named(root: Path) -> None:
    draw = random.Random(3)
    files = [p for place in ("results", ".prov/index") for p in (root / place).rglob("*")]
    files = sorted(path for path in files if path.is_file() and path.stat().st_size)
    kinds = {path.relative_to(root).parts[1] for path in files}
    assert {"scores", "stage1", "heads", "records", "shots", "index", "tables"} <= kinds
    for path in draw.sample(files, 60):
        name = path.relative_to(root).as_posix()
        with flipped(path, draw.randrange(path.stat().st_size)):
            found = {finding.path for finding in verify(root)[0]}
        assert name in found
    assert verify(root) == ([], [])


@pytest.mark.parametrize(
    ("path", "rests", "does_not"),
    [
        ("scores/phantom/grouped/consult/k2/r0.parquet", CONSULT_K2, PADIM_K4),
        ("stage1/phantom/grouped/consult/k2/r0.safetensors", CONSULT_K2, PATCHCORE_K2),
        ("stage1/phantom/grouped/consult/k2/r0.events.jsonl", CONSULT_K2, PADIM_K4),
        ("scores/phantom/grouped/patchcore/k2/r0.parquet", CONSULT_K2, PADIM_K4),
        ("shots/phantom/grouped/k2/r0.csv", PATCHCORE_K2, PADIM_K4),
        ("weights/resnet18.random.safetensors", PADIM_K4, "nothing"),
        ("heads/phantom/grouped/padim/k4/r0.manifest.json", PADIM_K4, CONSULT_K2),
        ("metrics/phantom/grouped/table1.intervals.json", PADIM_K4, "nothing"),
        ("tables/table1.csv", CONSULT_K2, "nothing"),
        ("tables/table1.cells.json", "every cell of results/tables/table1.csv", "nothing"),
    ],
)
def test_the_numbers_that_rest_on_a_file_are_named(
    root: Path, path: str, rests: str, does_not: str
) -> None:
    with flipped(root / "results" / path, 11):
        found = cells(root, f"results/{path}")
    assert rests in found
    assert does_not not in found


def test_a_changed_image_is_named_with_its_numbers(root: Path) -> None:
    archive = root / "results/index/phantom/images.zip"
    with zipfile.ZipFile(archive) as opened:
        first = opened.infolist()[0]
    at = first.header_offset + 30 + len(first.filename) + first.file_size // 2
    with flipped(archive, at):
        names = {finding.path for finding in verify(root)[0]}
        assert f"results/index/phantom/images.zip/{first.filename}" in names
        assert CONSULT_K2 in cells(root, "results/index/phantom/images.zip")


def test_missing_files_and_records_are_problems(copy: Callable[[], Project]) -> None:
    root = copy().root
    (root / "results/scores/phantom/grouped/padim/k4/r0.parquet").unlink()
    record = next((root / "results/records").glob("*/*/*.json"))
    about = json.loads(record.read_text())
    record.unlink()
    problems = {finding.path: finding.problem for finding in verify(root)[0]}
    assert problems["results/scores/phantom/grouped/padim/k4/r0.parquet"] == "missing"
    assert any("no record" in problem for problem in problems.values()), about


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


def test_the_command_prints_the_numbers_and_fails(copy: Callable[[], Project]) -> None:
    project = copy()
    assert project.medad("verify").stdout.strip() == "verified: nothing has changed"
    flip(project.root / "results/heads/phantom/grouped/padim/k4/r0.safetensors", 40)
    done = project.medad("verify", check=False)
    assert done.returncode == 1
    assert "results/heads/phantom/grouped/padim/k4/r0.safetensors: changed" in done.stdout
    assert f"rests on it: {PADIM_K4}" in done.stdout
    found = json.loads(project.medad("verify", "--json", check=False).stdout)
    assert PADIM_K4 in found["findings"][0]["cells"]
