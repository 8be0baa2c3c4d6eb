"""What generative networks make of test images, at every number of shots."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medad.data.frame import Frame, load_frame
from medad.data.images import square
from medad.detectors.fanogan import FAnoGan
from medad.detectors.ganomaly import Ganomaly
from medad.errors import MedadError
from medad.evaluation.scores import Scores, read_scores
from medad.files import read_safetensors
from medad.reporting.examples import place
from medad.reporting.figure import Page, picture, style
from medad.shot_counts import label, text
from medad.task import Task

EACH = 4  # images of either class
CELL, GAP, BLOCK_GAP, LEFT, TOP, BOTTOM = 0.9, 0.05, 0.16, 1.75, 0.62, 0.3  # inches
KEY = (
    "Images are chosen by their hash, one of a leakage group. Error: mean squared difference of "
    "values in [0, 1]\nover all test images, healthy and anomalous."
)
Images = NDArray[np.uint8]
Reconstructing = FAnoGan | Ganomaly
DETECTORS: dict[str, type[FAnoGan] | type[Ganomaly]] = {
    "medad.detectors.fanogan:FAnoGan": FAnoGan,
    "medad.detectors.ganomaly:Ganomaly": Ganomaly,
}


@dataclass(frozen=True)
class Row:
    """What one network makes of the chosen images; its errors on all healthy and anomalous ones."""

    heading: str
    images: Images
    errors: tuple[float, float] | None


def chosen(test: Scores, label: int, count: int) -> list[int]:
    """Rows of ``count`` images of a class, by the order of their hashes, one a leakage group."""
    order = np.argsort(test.sha256, kind="stable")
    groups: dict[int, int] = {}
    for row in order[test.label[order] == label].tolist():
        groups.setdefault(int(test.group[row]), row)
    return list(groups.values())[:count]


def errors(images: Images, made: Images, labels: NDArray[np.int64]) -> tuple[float, float]:
    """Mean squared difference, of values in [0, 1], over healthy and over anomalous images.

    ``images`` (N, side, side, 3) are brought to the size of ``made`` as the networks see them.
    """
    side = made.shape[1]
    small = np.stack([square(image, side) for image in images]).astype(np.float64)
    each = ((small - made) / 255.0) ** 2
    values = each.reshape(len(images), -1).mean(axis=1)
    return float(values[labels == 0].mean()), float(values[labels == 1].mean())


def draw(task: Task) -> bytes:
    """PNG of every method's reconstructions at every K of one draw."""
    params = task.params
    shots, draw_ = [int(k) for k in params["shots"]], int(params["draws"][0])
    first, frame = str(params["methods"][0]), Frame.of(params)
    # Shots are nested: what the largest K tests is a shot at no K.
    scores = read_scores(task.inputs[f"scores/{first}/k{text(max(shots))}/r{draw_}"])
    test = scores.take(scores.rows("test"))
    columns = [chosen(test, label, EACH) for label in (0, 1)]
    images = np.stack(
        [
            load_frame(task.locations["images"], path, digest, frame)
            for path, digest in zip(test.path.tolist(), test.sha256.tolist(), strict=True)
        ]
    )
    shown = np.array(columns[0] + columns[1], np.int64)
    rows = [Row("image", images[shown], None)]
    for method in params["methods"]:
        for k in shots:
            made = _network(task, method, k, draw_).reconstruct(images)
            rows.append(Row(f"{method}, {label(k)}", made[shown], errors(images, made, test.label)))
            task.report(len(rows) - 1, len(shots) * len(params["methods"]), "networks")
    return render(f"{params['title']}: {place(task)}", rows, [len(one) for one in columns])


def _network(task: Task, method: str, k: int, draw_: int) -> Reconstructing:
    path = task.inputs[f"head/{method}/k{text(k)}/r{draw_}"]
    state, metadata = read_safetensors(path)
    kind = DETECTORS.get(metadata["implementation"])
    if kind is None:
        raise MedadError(
            f"figure: {method} ({metadata['implementation']}) reconstructs nothing; allowed: "
            f"{', '.join(DETECTORS)}"
        )
    detector = kind.of({**task.params["detector"][method], "side": task.params["side"]})
    detector.load_state(state)
    return detector


def render(title: str, rows: Sequence[Row], blocks: Sequence[int]) -> bytes:
    """PNG bytes: a row of images for every row; healthy images first, then anomalous ones."""
    step = CELL + GAP
    width = LEFT + sum(blocks) * step + BLOCK_GAP + 0.2
    with style():
        page = Page(width, TOP + len(rows) * step + BOTTOM, title, KEY)
        for number, row in enumerate(rows):
            top = TOP + number * step
            text = row.heading
            if row.errors is not None:
                text += f"\nerror {row.errors[0]:.3f}, {row.errors[1]:.3f}"
            page.text(LEFT - 0.1, top + CELL / 2, text, ha="right", va="center", fontsize=8)
            for column, image in enumerate(row.images):
                left = LEFT + column * step + (BLOCK_GAP if column >= blocks[0] else 0.0)
                picture(page.axes(left, top, CELL, CELL), image)
        for heading, column in (("healthy", 0), ("anomalous", blocks[0])):
            left = LEFT + column * step + (BLOCK_GAP if column else 0.0)
            page.text(left, TOP - 0.06, heading, va="bottom", fontsize=9)
        return page.png()
