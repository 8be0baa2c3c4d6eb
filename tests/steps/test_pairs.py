"""Step ``pairs`` on a folder of three small images, and of a few test images."""

import hashlib
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml

from medad.errors import MedadError
from medad.files import read_npz, write_csv, write_parquet
from medad.steps.pairs import run
from medad.task import Task

PARAMS = Path(__file__).parents[2] / "params.yaml"


@pytest.fixture
def task(tmp_path):
    rows = []
    (tmp_path / "images/no").mkdir(parents=True)
    for rank in range(3):
        image = np.random.default_rng(rank).integers(0, 20, (50, 60)).astype(np.uint8)
        cv2.ellipse(image, (30, 25), (20 + rank, 18), 0, 0, 360, 150 + 20 * rank, cv2.FILLED)
        path = f"no/{rank} a.png"
        cv2.imwrite(str(tmp_path / "images" / path), image)
        content = (tmp_path / "images" / path).read_bytes()
        sha256 = hashlib.sha256(content).hexdigest()
        rows.append({"rank": rank, "path": path, "sha256": sha256, "group": rank})
    write_csv(tmp_path / "shots.csv", ["rank", "path", "sha256", "group"], rows)
    consult = yaml.safe_load(PARAMS.read_text(encoding="utf-8"))["synthesis"]["consult"]
    return Task(
        kind="pairs",
        identity={"dataset": "toy", "split": "grouped", "synthesis": "consult", "k": 3, "r": 0},
        params={
            **consult,
            "pairs": 5,
            "seed": 0,
            "side": 48,
            "implementation": "medad.synthesis.consult:build",
            "source": "synthetic",
        },
        inputs={"shots": tmp_path / "shots.csv"},
        locations={"images": tmp_path / "images"},
        outputs={"pairs": tmp_path / "out/pairs.npz", "sheet": tmp_path / "out/sheet.png"},
        scratch=tmp_path,
        cache=tmp_path,
        live=tmp_path / "live",
    )


@pytest.fixture
def leaky(task, tmp_path):
    """The same draw with the test images as its pool: a shot, a healthy one and one with a mask."""
    rows = []
    for number, (path, label) in enumerate((("no/0 a.png", 0), ("no/t.png", 0), ("yes.png", 1))):
        place = tmp_path / "images" / path
        if not place.exists():
            cv2.imwrite(str(place), np.full((30, 40), 100 + number, np.uint8))
        digest = hashlib.sha256(place.read_bytes()).hexdigest()
        rows.append({"path": path, "sha256": digest, "label": label, "test": True})
    mask = np.zeros((30, 40), np.uint8)
    mask[:15] = 255
    cv2.imwrite(str(tmp_path / "images/mask.png"), mask)
    sha256 = hashlib.sha256((tmp_path / "images/mask.png").read_bytes()).hexdigest()
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    write_parquet(tmp_path / "split.parquet", columns)
    masks = {"mask": ["", "", "mask.png"], "mask_sha256": ["", "", sha256]}
    write_parquet(tmp_path / "index.parquet", {"path": columns["path"], **masks})
    return replace(
        task,
        identity={**task.identity, "synthesis": "test_images"},
        params={
            "seed": 0,
            "side": 48,
            "implementation": "medad.synthesis.test_images:build",
            "source": "test",
            "unmasked": "drop",
        },
        inputs={
            **task.inputs,
            "split": tmp_path / "split.parquet",
            "index": tmp_path / "index.parquet",
        },
    )


def content(task):
    return [path.read_bytes() for path in task.outputs.values()]


def test_writes_the_pool_and_its_picture(task):
    run(task)
    pairs = read_npz(task.outputs["pairs"])
    shapes = {name: array.shape for name, array in pairs.items()}
    assert shapes == {
        "originals": (3, 48, 48),
        "healthy": (5, 48, 48),
        "anomalous": (5, 48, 48),
        "masks": (5, 48, 48),
        "healthy_base": (5,),
        "anomalous_base": (5,),
    }
    levels = [int(image[24, 24]) for image in pairs["originals"]]
    assert levels == [150, 170, 190], "shots in the order of the file"
    assert cv2.imread(str(task.outputs["sheet"])).shape[2] == 3


def test_the_same_task_gives_the_same_bytes_and_another_draw_others(task):
    run(task)
    first = content(task)
    run(task)
    assert content(task) == first
    for name, value in (("k", 4), ("r", 1), ("synthesis", "other"), ("split", "paper")):
        run(replace(task, identity={**task.identity, name: value}))
        assert content(task)[0] != first[0], name
    assert set(task.seeds) == {"pairs"}


def test_an_image_that_changed_is_refused_by_name(task):
    (task.locations["images"] / "no/1 a.png").write_bytes(
        (task.locations["images"] / "no/2 a.png").read_bytes()
    )
    with pytest.raises(MedadError, match=r"1 a\.png"):
        run(task)


def test_no_shots_are_refused(task):
    write_csv(task.inputs["shots"], ["rank", "path", "sha256", "group"], [])
    with pytest.raises(MedadError, match="1 or more"):
        run(task)


def test_progress_is_reported(task):
    seen = []
    run(replace(task, report=lambda done, total, text: seen.append((done, total, text))))
    assert seen[-1] == (10, 10, "images")


def test_the_pool_that_leaks_is_the_test_set(leaky):
    run(leaky)
    first = content(leaky)
    pairs = read_npz(leaky.outputs["pairs"])
    assert [int(image[24, 24]) for image in pairs["originals"]] == [150, 170, 190]
    assert [int(image[24, 24]) for image in pairs["healthy"]] == [101]
    assert [int(image[24, 24]) for image in pairs["anomalous"]] == [102]
    assert pairs["masks"].sum(axis=(1, 2)).tolist() == [24 * 48]
    assert cv2.imread(str(leaky.outputs["sheet"])).shape[2] == 3
    run(leaky)
    assert content(leaky) == first
