"""Step: score the validation and test images of a split by a fitted detector."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from torch import Tensor

from medad.backbones.checkpoint import load, unchanged
from medad.backbones.feature_cache import Image, cached_features, extract
from medad.data.frame import Frame, load_frame
from medad.detectors.images import ImageDetector
from medad.detectors.scores import Detector, Scores, TrainedDetector
from medad.errors import MedadError
from medad.files import read_csv, read_parquet, read_safetensors, write_npz, write_parquet
from medad.resolve import attribute
from medad.task import Task

_BATCH = 16  # images whose features are in memory at once; changes no score


def run(task: Task) -> None:
    """Write ``scores``, one row an image in the order of the split, and ``maps`` when asked for.

    ``maps`` are float16 on the patch grid. A shot of this draw is never scored.
    """
    params = task.params
    rows = _rows(task)
    images = [(row["path"], row["sha256"]) for row in rows]
    score, together = _scorer(task)
    batch = _BATCH if together == 1 else together
    parts = []
    for start in range(0, len(images), batch):
        parts.append(score(images[start : start + batch]))
        task.report(min(start + batch, len(images)), len(images), "images")
    scores = Scores.join(parts)
    names = ("path", "sha256", "label", "group", "role")
    columns: dict[str, Any] = {name: [row[name] for row in rows] for name in names}
    write_parquet(task.outputs["scores"], {**columns, "score": scores.image.tolist()})
    if params["maps"]:
        if scores.maps is None:
            raise MedadError(
                f"{task.identity['method']}: its detector makes no anomaly maps; set "
                "evaluation.maps to false"
            )
        largest = float(np.finfo(np.float16).max)
        write_npz(task.outputs["maps"], {"maps": scores.maps.clip(max=largest).astype(np.float16)})


def _scorer(task: Task) -> tuple[Callable[[Sequence[Image]], Scores], int]:
    """Images -> scores, by the head; and how many images are to be scored together."""
    params, state = task.params, read_safetensors(task.inputs["head"])[0]
    made = attribute(params["implementation"]).of(params, task.device)
    made.load_state(state)
    if params["reads"] == "images":
        networks: ImageDetector = made
        root = task.locations["images"]
        load = partial(load_frame, frame=Frame.of(params))
        return lambda images: networks.score(np.stack([load(root, *image) for image in images])), 1
    detector: Detector | TrainedDetector = made
    features = _features(task, detector.layers)
    together = made.together if params.get("trains") else 1
    return lambda images: detector.score(features(images)), together


def _rows(task: Task) -> list[dict[str, Any]]:
    """Split rows to score, with their role: a row of both roles is a test image."""
    split = read_parquet(task.inputs["split"])
    shots = {row["path"] for row in read_csv(task.inputs["shots"])}
    rows = [dict(zip(split, values, strict=True)) for values in zip(*split.values(), strict=True)]
    scored = [
        {**row, "role": "test" if row["test"] else "validation"}
        for row in rows
        if (row["test"] or row["validation"]) and row["path"] not in shots
    ]
    if not scored:
        raise MedadError("the split has no validation or test image; change its fractions")
    return scored


def _features(
    task: Task, layers: tuple[int, ...]
) -> Callable[[Sequence[Image]], dict[int, Tensor]]:
    """Images -> pyramid; by the cache when the trunk is frozen, or stage 1 has not changed it.

    The cached set is the split's and not the draw's: one extraction serves all draws and heads.
    """
    weights, root, frame = task.inputs["weights"], task.locations["images"], Frame.of(task.params)
    if task.params["frozen"] or unchanged(weights):
        split = read_parquet(task.inputs["split"])
        columns = (split[name] for name in ("path", "sha256", "validation", "test"))
        members = [(p, s) for p, s, held, test in zip(*columns, strict=True) if held or test]
        table = cached_features(
            task.cache, weights, members, root, frame, layers, task.device, task.report
        )
        return table.take
    trunk = load(weights)
    return lambda images: extract(trunk, root, images, frame, layers, task.device)
