from pathlib import Path

import cv2
import numpy as np
import pytest

from medad.config.load import load
from medad.errors import MedadError
from medad.files import read_parquet
from medad.selection.shots import development_draw, healthy_images
from medad.steps import index, phantom, split
from medad.task import Task


def _step(step, kind, folder, params, inputs, locations, **outputs):
    step.run(
        Task(
            kind=kind,
            identity={"dataset": "phantom", "split": "grouped"},
            params={"seed": 0, **params},
            inputs=inputs,
            outputs={name: folder / file for name, file in outputs.items()},
            scratch=folder,
            cache=folder,
            live=folder / "live.jsonl",
            locations=locations,
        )
    )


def test_the_pool_is_the_one_the_pipeline_draws_from(project):
    config, folder = load(project), project / "made"
    folder.mkdir()
    spec = config.datasets["phantom"].model_dump(exclude={"reader"})
    _step(phantom, "phantom", folder, spec, {}, {}, images="images.zip")
    archive = {"images": folder / "images.zip"}
    params = {
        "implementation": "medad.data.readers:folder",
        "on_bad": "stop",
        "leakage": config.leakage.model_dump(),
    }
    _step(
        index, "index", folder, params, archive, archive,
        index="index.parquet", skipped="skipped.csv", listing="listing.json", counts="counts.json",
    )  # fmt: skip
    _step(
        split, "split", folder, {"policy": "grouped", **config.splits.grouped.model_dump()},
        {"index": folder / "index.parquet"}, {}, split="split.parquet", leakage="leakage.json",
    )  # fmt: skip
    table = read_parquet(folder / "split.parquet")
    expected = {path for path, chosen in zip(table["path"], table["pool"], strict=True) if chosen}
    found = healthy_images(config, project)
    assert {p for p, chosen in zip(found.paths, found.pool, strict=True) if chosen} == expected
    assert found.images.shape == (20, 48, 48, 3)


def test_draws_are_of_different_groups_of_the_pool_and_differ(project):
    found = healthy_images(load(project), project)
    draws = [development_draw(found, "phantom", number, 0, 4) for number in range(4)]
    for chosen in draws:
        assert len({found.groups[i] for i in chosen}) == 4
        assert all(found.pool[i] for i in chosen)
    assert len({tuple(chosen) for chosen in draws}) > 1
    assert development_draw(found, "phantom", 0, 0, 4) == draws[0]
    assert development_draw(found, "phantom", 0, 1, 4) != draws[0]


@pytest.fixture
def folder_config(project):
    """A folder dataset whose anomalous files are not images: opening one would fail."""
    root = project / "data/raw/folder"
    for name in ("healthy", "anomalous", ".hidden"):
        (root / name).mkdir(parents=True)
    for number in range(12):
        grey = np.random.default_rng(number).integers(0, 256, (30, 40), dtype=np.uint8)
        cv2.imwrite(str(root / f"healthy/{number:02d}.png"), grey)
    (root / "anomalous/a.png").write_bytes(b"not an image")
    (root / ".hidden/a.png").write_bytes(b"")
    return load(project, {"runs": {"datasets": ["folder"]}})


def test_anomalous_images_are_not_opened(folder_config, project):
    found = healthy_images(folder_config, project)
    assert found.paths == [f"healthy/{number:02d}.png" for number in range(12)]
    assert found.images.shape == (12, 48, 48, 3)
    assert sum(found.pool) == 4


def test_what_cannot_be_used_is_told(folder_config, project):
    (project / "data/raw/folder/healthy/03.png").write_bytes(b"")
    with pytest.raises(MedadError, match=r"03\.png"):
        healthy_images(folder_config, project)
    several = load(project, {"runs": {"datasets": ["folder", "phantom"]}})
    with pytest.raises(MedadError, match="a source is one dataset"):
        healthy_images(several, project)
    away = load(
        project,
        {"runs": {"datasets": ["folder"]}, "datasets": {"folder": {"root": str(Path("absent"))}}},
    )
    with pytest.raises(MedadError, match="no such folder"):
        healthy_images(away, project)
