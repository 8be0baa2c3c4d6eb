"""What a user sees when something is wrong: one message, last, and a status that is not 0."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from project import Project

pytestmark = pytest.mark.engine


def folder_of_images(root: Path) -> Path:
    scans = root / "scans"
    for number in range(26):
        place = scans / ("anomalous" if number >= 20 else "healthy")
        place.mkdir(parents=True, exist_ok=True)
        pixels = bytes((i * i // 7 + i * (number + 5)) % 251 for i in range(48 * 48))
        Image.frombytes("L", (48, 48), pixels).save(place / f"{number:02}.png")
    return scans


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"stage1": {"consult": {"epoch": 3}}}, "stage1.consult.epoch: unknown key; did you mean"),
        ({"runs": {"datasets": ["brain_mri"]}}, "no images at data/raw/brain_mri; `medad data get"),
        ({"preset": "moon"}, "preset: got 'moon'; allowed: none, adfa, adfa_short"),
    ],
)
def test_a_bad_configuration_is_one_line_before_any_work(
    tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    project = Project(tmp_path)
    project.change(change)
    done = project.snakemake("all", check=False)
    assert done.returncode == 2
    said = [line for line in done.stderr.splitlines() if "profile" not in line]
    assert len(said) == 1
    assert said[0].startswith("medad: ")
    assert message in said[0]
    assert not (tmp_path / "results/index/phantom/index.parquet").exists()


def test_a_medad_from_elsewhere_is_refused(tmp_path: Path) -> None:
    project = Project(tmp_path)
    shutil.rmtree(project.root / "src")
    done = project.snakemake("all", check=False)
    assert done.returncode == 2
    assert "not from this folder's src/medad" in done.stderr


@pytest.mark.parametrize(
    ("change", "target", "message"),
    [
        ({"runs": {"shots": [2, 500]}}, "stage_draws", "500"),
        ({"stage1": {"consult": {"learning_rate": 1e30}}}, "stage_pretraining", "epoch"),
    ],
)
def test_the_message_of_a_failed_step_comes_last(
    copy: Callable[[], Project], change: dict[str, Any], target: str, message: str
) -> None:
    project = copy()
    before = sorted((project.root / ".dvc/cache").rglob("*"))
    project.change(change)
    done = project.snakemake(target, check=False)
    assert done.returncode != 0
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("medad: ")
    assert message in last
    assert "(log: logs/" in last
    assert set(before) <= set((project.root / ".dvc/cache").rglob("*"))
    assert not list((project.root / ".prov/tmp").glob("*"))


def test_bad_files_are_all_named_at_once_or_left_out_on_request(
    copy: Callable[[], Project], tmp_path: Path
) -> None:
    project = copy()
    scans = folder_of_images(tmp_path)
    for name in ("03", "07"):
        (scans / f"healthy/{name}.png").write_bytes(b"no image")
    project.change({"runs": {"datasets": ["folder"]}, "datasets": {"folder": {"root": str(scans)}}})
    said = project.snakemake("stage_data", check=False).stderr.rpartition("medad: ")[2]
    assert "healthy/03.png" in said
    assert "healthy/07.png" in said
    project.change({"data": {"on_bad": "skip"}})
    project.snakemake("stage_data")
    skipped = (project.root / "results/index/folder/index.skipped.csv").read_text()
    assert skipped.count("\n") == 3


def test_an_image_that_changes_after_indexing_is_noticed(
    copy: Callable[[], Project], tmp_path: Path
) -> None:
    project = copy()
    scans = folder_of_images(tmp_path)
    project.change({"runs": {"datasets": ["folder"]}, "datasets": {"folder": {"root": str(scans)}}})
    project.snakemake("stage_draws")
    before = len(project.records())
    Image.new("L", (48, 48), 77).save(scans / "anomalous/21.png")
    project.snakemake("stage_draws")
    assert ("computed", "index") in project.actions(before)


def test_an_empty_mask_counts_as_no_mask_and_breaks_nothing(
    copy: Callable[[], Project], tmp_path: Path
) -> None:
    project = copy()
    scans = folder_of_images(tmp_path)
    (scans / "masks").mkdir()
    for name in ("20", "21"):
        Image.new("L", (48, 48), 0).save(scans / f"masks/{name}.png")
    project.change({"runs": {"datasets": ["folder"]}, "datasets": {"folder": {"root": str(scans)}}})
    project.snakemake("results/metrics/folder/grouped/padim/k2/r0.json")
