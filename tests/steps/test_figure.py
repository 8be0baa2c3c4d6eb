"""The figure step on a few made images."""

from __future__ import annotations

import hashlib
from pathlib import Path

import cv2
import numpy as np
import pytest

from medad.errors import MedadError
from medad.files import write_npz, write_parquet
from medad.steps import figure
from medad.task import Task

SIDE = 32


def _task(folder: Path, name: str = "out") -> Task:
    rng = np.random.default_rng(0)
    label = [0] * 4 + [1] * 4
    paths, digests = [], []
    for row in range(len(label)):
        content = cv2.imencode(".png", rng.integers(0, 255, (40, 40, 3), np.uint8))[1].tobytes()
        (folder / f"{row}.png").write_bytes(content)
        paths.append(f"{row}.png")
        digests.append(hashlib.sha256(content).hexdigest())
    mask = np.zeros((40, 40), np.uint8)
    mask[10:20, 10:20] = 255
    content = cv2.imencode(".png", mask)[1].tobytes()
    (folder / "mask.png").write_bytes(content)
    write_parquet(
        folder / "index.parquet",
        {
            "path": paths,
            "mask": [""] * 7 + ["mask.png"],
            "mask_sha256": [""] * 7 + [hashlib.sha256(content).hexdigest()],
        },
    )
    inputs = {"index": folder / "index.parquet"}
    for method in ("patchcore", "consult"):
        columns = {
            "path": paths,
            "sha256": digests,
            "label": label,
            "group": list(range(8)),
            "role": ["validation"] + ["test"] * 7,
            "score": rng.random(8).tolist(),
        }
        write_parquet(folder / f"{method}.parquet", columns)
        write_npz(folder / f"{method}.npz", {"maps": rng.random((8, 4, 4)).astype(np.float16)})
        inputs[f"scores/{method}"] = folder / f"{method}.parquet"
        inputs[f"maps/{method}"] = folder / f"{method}.npz"
    return Task(
        kind="figure",
        identity={"figure": "heatmaps", "dataset": "phantom", "split": "grouped"},
        params={
            "seed": 0,
            "side": SIDE,
            "smoothing": 1.0,
            "methods": ["patchcore", "consult"],
            "k": 4,
            "r": 0,
        },
        inputs=inputs,
        outputs={"figure": folder / f"{name}.png"},
        scratch=folder,
        cache=folder,
        live=folder / "live",
        locations={"images": folder},
    )


def test_one_png_the_same_twice(tmp_path: Path) -> None:
    first, second = _task(tmp_path, "a"), _task(tmp_path, "b")
    for task in (first, second):
        figure.run(task)
    content = first.outputs["figure"].read_bytes()
    assert content == second.outputs["figure"].read_bytes()
    picture = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    # Two hits, two misses and three false alarms, in an image row and two map rows.
    assert picture.shape[1] / picture.shape[0] == pytest.approx(8.4 / 4.2, rel=0.1)


def test_changed_images_are_refused(tmp_path: Path) -> None:
    task = _task(tmp_path)
    for row in range(8):
        (tmp_path / f"{row}.png").write_bytes((tmp_path / "mask.png").read_bytes())
    with pytest.raises(MedadError):
        figure.run(task)


def test_methods_must_have_scored_the_same_images(tmp_path: Path) -> None:
    task = _task(tmp_path)
    write_npz(task.inputs["maps/consult"], {"maps": np.zeros((3, 4, 4), np.float16)})
    with pytest.raises(MedadError, match="3 maps for 8 scores"):
        figure.run(task)
