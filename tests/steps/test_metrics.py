"""The metrics step from scores, maps and masks to one JSON file."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from medad.errors import MedadError
from medad.files import read_json, write_npz, write_parquet
from medad.steps import metrics
from medad.task import Task

SIDE = 32
# Six healthy and six anomalous test images, then 19 for validation; the last lesion has no mask.
LABELS = np.array([0] * 6 + [1] * 6 + [0] * 19)
SCORES = np.r_[np.arange(6), np.arange(6) + 3.5, np.linspace(0, 4.25, 19)]
GROUPS = np.array([0, 0, 1, 2, 3, 4, 5, 5, 6, 7, 8, 9, *range(20, 39)])


def _task(folder: Path) -> Task:
    rng = np.random.default_rng(0)
    paths = [f"{row:02d}.png" for row in range(len(LABELS))]
    masks, digests = [""] * len(paths), [""] * len(paths)
    maps = rng.random((len(paths), 8, 8)) / 10
    for row in range(6, 11):
        mask = np.zeros((64, 64), np.uint8)
        top = 8 * (row - 6)
        mask[top : top + 16, 16:32] = 255
        maps[row, row - 6 : row - 4, 2:4] += 1
        content = cv2.imencode(".png", mask)[1].tobytes()
        (folder / f"mask{row}.png").write_bytes(content)
        masks[row], digests[row] = f"mask{row}.png", hashlib.sha256(content).hexdigest()
    maps[11] = 5.0  # bright all over, but nobody knows where its lesion is
    write_parquet(
        folder / "scores.parquet",
        {
            "path": paths,
            "sha256": paths,
            "label": LABELS.tolist(),
            "group": GROUPS.tolist(),
            "role": ["test"] * 12 + ["validation"] * 19,
            "score": SCORES.tolist(),
        },
    )
    write_parquet(folder / "index.parquet", {"path": paths, "mask": masks, "mask_sha256": digests})
    write_npz(folder / "maps.npz", {"maps": maps.astype(np.float16)})
    return Task(
        kind="metrics",
        identity={"dataset": "d", "split": "s", "method": "m", "k": 2, "r": 0},
        params={"seed": 0, "smoothing": 1.0, "healthy_quantile": 0.95, "side": SIDE},
        inputs={name: folder / f"{name}.parquet" for name in ("scores", "index")}
        | {"maps": folder / "maps.npz"},
        outputs={"metrics": folder / "metrics.json"},
        scratch=folder,
        cache=folder,
        live=folder / "live",
        locations={"images": folder},
    )


def _run(task: Task) -> dict[str, float | None]:
    metrics.run(task)
    found: dict[str, float | None] = read_json(task.outputs["metrics"])
    return found


def test_image_metrics_use_test_images_and_a_healthy_threshold(tmp_path: Path) -> None:
    found = _run(_task(tmp_path))
    assert found["auroc"] == pytest.approx(roc_auc_score(LABELS[:12], SCORES[:12]))
    weights = [0.5, 0.5, 1, 1, 1, 1, 0.5, 0.5, 1, 1, 1, 1]
    grouped = roc_auc_score(LABELS[:12], SCORES[:12], sample_weight=weights)
    assert found["auroc_grouped"] == pytest.approx(grouped)
    # Scores 0 to 8.5: one update, all of it through the sigmoid.
    assert found["auroc_sigmoid"] == pytest.approx(found["auroc"])
    # 19 validation images at 95 %: the threshold is the largest of them.
    assert found["threshold"] == 4.25
    assert (found["sensitivity"], found["specificity"]) == (5 / 6, 5 / 6)
    assert (found["n_healthy"], found["n_anomalous"], found["n_masks"]) == (6, 6, 5)


def test_pixel_metrics_leave_out_lesions_without_a_mask(tmp_path: Path) -> None:
    found = _run(_task(tmp_path))
    # The map that is bright all over has no mask: counted, it would bring these to about .8.
    assert found["pixel_auroc"] > 0.97
    assert found["pro"] > 0.9
    assert 0.25 < found["iou"] < found["dice"] < 1
    assert 0.05 < found["pixel_threshold"] < 0.1


def test_no_maps_no_pixel_metrics(tmp_path: Path) -> None:
    task = _task(tmp_path)
    inputs = {name: path for name, path in task.inputs.items() if name != "maps"}
    found = _run(replace(task, inputs=inputs))
    assert found["auroc"] is not None
    assert found["n_masks"] == 5
    assert [found[name] for name in ("pixel_auroc", "pro", "dice", "iou")] == [None] * 4


def test_no_validation_no_threshold(tmp_path: Path) -> None:
    task = _task(tmp_path)
    columns = {
        "path": [f"{row:02d}.png" for row in range(12)],
        "sha256": [""] * 12,
        "label": LABELS[:12].tolist(),
        "group": GROUPS[:12].tolist(),
        "role": ["test"] * 12,
        "score": SCORES[:12].tolist(),
    }
    write_parquet(task.inputs["scores"], columns)
    write_npz(task.inputs["maps"], {"maps": np.random.default_rng(0).random((12, 8, 8))})
    found = _run(task)
    assert [found[name] for name in ("threshold", "sensitivity", "dice")] == [None] * 3
    assert found["pixel_auroc"] is not None


def test_maps_of_another_run_are_refused(tmp_path: Path) -> None:
    task = _task(tmp_path)
    write_npz(task.inputs["maps"], {"maps": np.zeros((3, 8, 8), np.float16)})
    with pytest.raises(MedadError, match="3 maps for 31 scores"):
        metrics.run(task)
