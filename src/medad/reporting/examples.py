"""Test images that show what a method finds, misses and takes for a lesion."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib.colors import LogNorm, Normalize
from numpy.typing import ArrayLike, NDArray

from medad.data.frame import Frame, load_frame
from medad.detectors.maps import upsample
from medad.errors import MedadError
from medad.evaluation.masks import mask_files, square_mask
from medad.evaluation.scores import Scores, read_scores
from medad.files import read_npz
from medad.shot_counts import text
from medad.task import Task

BRIGHTEST = 0.999  # quantile of the test pixels shown in the brightest colour
SKEWED = 20.0  # times the median, from which on an axis is logarithmic


def choose(
    labels: NDArray[np.int64],
    groups: NDArray[np.int64],
    scores: NDArray[np.float64],
    count: int,
) -> dict[str, list[int]]:
    """Rows of the ``count`` clearest hits, misses and false alarms, each most extreme first.

    Hits are the anomalous images (label 1) with the highest scores, misses those with the lowest,
    false alarms the healthy ones with the highest. Near copies (one leakage group) are shown once,
    and with few anomalous images hits and misses share them out evenly. Ties go to the earlier
    row. Raises MedadError unless there are two anomalous groups and one healthy image.
    """
    rising = np.argsort(scores, kind="stable").tolist()
    falling = np.argsort(-scores, kind="stable").tolist()
    anomalous = len(np.unique(groups[labels == 1]))
    if anomalous < 2 or not (labels == 0).any():
        raise MedadError(
            "figure: needs anomalous test images of two leakage groups and a healthy one, got "
            f"{anomalous} groups and {int((labels == 0).sum())} healthy images"
        )

    def first(order: list[int], label: int, limit: int, seen: set[int]) -> list[int]:
        rows: list[int] = []
        for row in order:
            if labels[row] == label and len(rows) < limit and int(groups[row]) not in seen:
                seen.add(int(groups[row]))
                rows.append(row)
        return rows

    each, shown = min(count, anomalous // 2), set[int]()
    return {
        "hits": first(falling, 1, each, shown),
        "misses": first(rising, 1, each, shown),
        "false alarms": first(falling, 0, count, set()),
    }


def percentile_ranks(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Percent of the scores below each one, ties counted half: in (0, 100), 100 is most anomalous.

    Ranks compare methods whose scores have different units.
    """
    order = np.sort(scores)
    twice = np.searchsorted(order, scores, "left") + np.searchsorted(order, scores, "right")
    return np.asarray(50.0 * twice / len(scores))


def single_draw(task: Task) -> str:
    """Where a figure of one draw finds it among its inputs, such as "k4/r0"."""
    return f"k{text(task.params['shots'][0])}/r{task.params['draws'][0]}"


def place(task: Task) -> str:
    """Data set, split, K and draws of a figure, for its title."""
    shots, draws = ", ".join(text(k) for k in task.params["shots"]), task.params["draws"]
    drawn = f"draw {draws[0]}" if len(draws) == 1 else f"{len(draws)} draws"
    return f"{task.identity['dataset']}, split {task.identity['split']}, K = {shots}, {drawn}"


def tested(task: Task, methods: list[str]) -> list[Scores]:
    """Test images of each method's single draw; MedadError when they are not the same images."""
    found: list[Scores] = []
    for name in methods:
        scores = read_scores(task.inputs[f"scores/{name}/{single_draw(task)}"])
        test = scores.take(scores.rows("test"))
        if found and not np.array_equal(test.path, found[0].path):
            raise MedadError(f"figure: {name} and {methods[0]} scored different test images")
        found.append(test)
    return found


def smoothed_maps(task: Task, method: str) -> NDArray[np.float32]:
    """Smoothed maps (n, side, side) of the images of ``tested``."""
    where = f"{method}/{single_draw(task)}"
    scores, path = read_scores(task.inputs[f"scores/{where}"]), task.inputs[f"maps/{where}"]
    grids = read_npz(path)["maps"]
    if len(grids) != len(scores):
        raise MedadError(f"{path}: {len(grids)} maps for {len(scores)} scores; score again")
    smoothing = float(task.params["smoothing"])
    return upsample(grids[scores.rows("test")], int(task.params["side"]), smoothing)


def colour_scale(maps: NDArray[np.float32]) -> Normalize:
    """From the least value to almost the largest, for maps that share one scale of colours;
    logarithmic where the values span decades."""
    limits = float(maps.min()), float(np.quantile(maps, BRIGHTEST))
    return LogNorm(*limits) if spans_decades(maps) else Normalize(*limits)


def spans_decades(values: ArrayLike) -> bool:
    """Whether on a linear axis most values would be one: all are positive, and almost the largest
    is more than ``SKEWED`` times the median."""
    found = np.asarray(values, np.float64)
    high = np.quantile(found, BRIGHTEST)
    return bool(found.min() > 0 and high > SKEWED * np.median(found))


@dataclass(frozen=True)
class Shown:
    """Images and lesion masks of test images, read when asked for and checked by their hash."""

    task: Task
    test: Scores
    masks: dict[str, tuple[str, str]]

    @classmethod
    def of(cls, task: Task, test: Scores) -> Shown:
        """Of a figure that reads the index."""
        return cls(task, test, mask_files(task.inputs["index"]))

    def image(self, row: int) -> NDArray[np.uint8]:
        """RGB (side, side, 3)."""
        path, digest = str(self.test.path[row]), str(self.test.sha256[row])
        return load_frame(self.task.locations["images"], path, digest, self._frame)

    def mask(self, row: int) -> NDArray[np.bool_] | None:
        """(side, side), true inside the lesion; None for an image without a mask."""
        path = str(self.test.path[row])
        return square_mask(self.task.locations["images"], self.masks, path, self._frame)

    @property
    def _frame(self) -> Frame:
        return Frame.of(self.task.params)
