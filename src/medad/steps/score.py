"""Step: score the validation and test images of a split by a fitted detector."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
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

    ``maps`` are on the patch grid, of ``_stored``. A shot of this draw is never scored.
    """
    params = task.params
    rows = _rows(task)
    images = [(row["path"], row["sha256"]) for row in rows]
    score, together, mixed = _scorer(task)
    batch = _BATCH if together == 1 else together
    order = list(range(len(images)))
    if mixed:
        # By content: paths are sorted by class, and batches of one class would tell it.
        order.sort(key=lambda row: (images[row][1], images[row][0]))
    parts = []
    for start in range(0, len(images), batch):
        parts.append(score([images[row] for row in order[start : start + batch]]))
        task.report(min(start + batch, len(images)), len(images), "images")
    scores = Scores.join(parts).take(np.argsort(order))
    names = ("path", "sha256", "label", "group", "role")
    columns: dict[str, Any] = {name: [row[name] for row in rows] for name in names}
    write_parquet(task.outputs["scores"], {**columns, "score": scores.image.tolist()})
    if params["maps"]:
        if scores.maps is None:
            raise MedadError(
                f"{task.identity['method']}: its detector makes no anomaly maps; set "
                "evaluation.maps to false"
            )
        write_npz(task.outputs["maps"], {"maps": _stored(scores.maps)})


def _stored(maps: NDArray[np.float32]) -> NDArray[Any]:
    """float16; float32 where halves would have few digits, for products such as STPM's."""
    halves = np.finfo(np.float16)
    above = maps[maps > 0]
    if len(above) and np.median(above) < halves.smallest_normal:
        return maps
    return maps.clip(max=float(halves.max)).astype(np.float16)


def _scorer(task: Task) -> tuple[Callable[[Sequence[Image]], Scores], int, bool]:
    """Images -> scores, by the head; how many are to be scored together, and whether mixed."""
    params, state = task.params, read_safetensors(task.inputs["head"])[0]
    made = attribute(params["implementation"]).of(params, task.device)
    made.load_state(state)
    if params["reads"] == "images":
        networks: ImageDetector = made
        root = task.locations["images"]
        load = partial(load_frame, frame=Frame.of(params))

        def scored(images: Sequence[Image]) -> Scores:
            return networks.score(np.stack([load(root, *image) for image in images]))

        return scored, 1, False
    detector: Detector | TrainedDetector = made
    features = _features(task, detector.layers)
    together, mixed = (made.together, made.mixed) if params.get("trains") else (1, False)
    return lambda images: detector.score(features(images)), together, mixed and together > 1


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
