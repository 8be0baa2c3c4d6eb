"""Step: every metric of one run, from its scores, maps and masks alone."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from medad.data.frame import Frame
from medad.detectors.maps import upsample
from medad.errors import MedadError
from medad.evaluation.auroc import auroc, group_weights, updated_auroc
from medad.evaluation.localisation import overlap, pixel_auroc, pro
from medad.evaluation.masks import mask_files, square_mask
from medad.evaluation.scores import Scores, read_scores
from medad.evaluation.thresholds import conformal_threshold, sensitivity_specificity
from medad.files import read_npz, write_json
from medad.task import Task

UPDATE = 32  # images with which the papers' library updates its AUROC
_NO_MAPS: dict[str, float | None] = {
    "pixel_auroc": None,
    "pro": None,
    "pixel_threshold": None,
    "dice": None,
    "iou": None,
}


def run(task: Task) -> None:
    """Write ``metrics``: image metrics always, pixel metrics when there are maps and masks.

    ``dice`` and ``iou`` use ``pixel_threshold``, the ``healthy_quantile`` of all pixels of the
    smoothed maps of healthy validation images.
    """
    scores = read_scores(task.inputs["scores"])
    rows = scores.rows("test")
    test, validation = scores.take(rows), scores.take(scores.rows("validation"))
    threshold = conformal_threshold(
        validation.score[validation.label == 0], float(task.params["healthy_quantile"])
    )
    sensitivity, specificity = (
        (None, None)
        if threshold is None
        else sensitivity_specificity(test.label, test.score, threshold)
    )
    masks = _masks(task, test)
    order = np.argsort(test.path)  # the papers' library reads a folder in this order
    anomalous = int((test.label == 1).sum())
    write_json(
        task.outputs["metrics"],
        {
            "auroc": auroc(test.label, test.score),
            "auroc_grouped": auroc(test.label, test.score, group_weights(test.label, test.group)),
            "auroc_sigmoid": updated_auroc(test.label[order], test.score[order], UPDATE),
            "threshold": threshold,
            "sensitivity": sensitivity,
            "specificity": specificity,
            "n_healthy": len(test) - anomalous,
            "n_anomalous": anomalous,
            "n_masks": len(masks),
            **_localisation(task, scores, rows, masks),
        },
    )


def _masks(task: Task, test: Scores) -> dict[int, NDArray[np.bool_]]:
    """Row among the test images to usable mask, for anomalous images."""
    files = mask_files(task.inputs["index"])
    found = {}
    for row in np.flatnonzero(test.label == 1).tolist():
        mask = square_mask(
            task.locations["images"], files, str(test.path[row]), Frame.of(task.params)
        )
        if mask is not None:
            found[row] = mask
    return found


def _localisation(
    task: Task, scores: Scores, rows: NDArray[np.int64], masks: dict[int, NDArray[np.bool_]]
) -> dict[str, Any]:
    if "maps" not in task.inputs or not masks:
        return _NO_MAPS
    grids = read_npz(task.inputs["maps"])["maps"]
    if len(grids) != len(scores):
        raise MedadError(
            f"{task.inputs['maps']}: {len(grids)} maps for {len(scores)} scores; score again"
        )
    side, smoothing = int(task.params["side"]), float(task.params["smoothing"])
    # An anomalous image without a mask has lesions at unknown pixels: it is left out.
    healthy = np.flatnonzero(scores.label[rows] == 0)
    used = np.concatenate([healthy, np.array(sorted(masks), np.int64)])
    truth = np.zeros((len(used), side, side), np.bool_)
    truth[len(healthy) :] = [masks[row] for row in sorted(masks)]
    maps = upsample(grids[rows[used]], side, smoothing)
    found: dict[str, float | None] = {"pixel_auroc": pixel_auroc(maps, truth)}
    found["pro"] = pro(maps, truth)
    validation = scores.rows("validation")
    validation = validation[scores.label[validation] == 0]
    if not len(validation):
        return {**_NO_MAPS, **found}
    pixels = upsample(grids[validation], side, smoothing)
    threshold = float(np.quantile(pixels, float(task.params["healthy_quantile"])))
    dice, iou = overlap(maps, truth, threshold)
    return {**found, "pixel_threshold": threshold, "dice": dice, "iou": iou}
