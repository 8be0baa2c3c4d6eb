"""Shots, augmented copies and synthetic tumours under several readings of the same draws."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from numpy.typing import NDArray

from medad.data.frame import Frame, load_frame
from medad.files import read_csv
from medad.reporting.examples import place, single_draw
from medad.reporting.figure import Page, picture, style
from medad.synthesis.augment import augment
from medad.synthesis.brain_mask import brain_mask
from medad.synthesis.pairs import without_repeated_channels
from medad.synthesis.parameters import ConsultSynthesis, Fill, Shape
from medad.synthesis.spots import add_spot
from medad.task import Task

COLUMNS = 8
CELL, GAP, LEFT, TOP, BOTTOM = 1.05, 0.05, 1.35, 0.45, 0.25  # inches
SHAPES: tuple[Shape, ...] = ("curve", "hull")
FILLS: tuple[Fill, ...] = ("literal", "mu_sigma")
KEY = "A column has one shot and, in the four rows of tumours, one seed. Outline: the label."
Images = NDArray[np.uint8]


@dataclass(frozen=True)
class Row:
    """Images of one reading, one a column, and the labels (H, W) of those with a tumour."""

    heading: str
    images: tuple[Images, ...]
    masks: tuple[NDArray[np.bool_] | None, ...]


def rows(shots: Images, parameters: ConsultSynthesis, seed: int) -> list[Row]:
    """Six rows of COLUMNS images; shots, uint8 (K, H, W[, 3]), take turns.

    Column c of every row of tumours draws from the same seed: readings differ in what they make
    of the same draws. Raises MedadError when a tumour finds no place.
    """
    originals = without_repeated_channels(shots)
    base = [originals[column % len(originals)] for column in range(COLUMNS)]

    def generator(purpose: int, column: int) -> np.random.Generator:
        return np.random.default_rng((seed, purpose, column))

    nothing = (None,) * COLUMNS
    copies = tuple(augment(one, parameters, generator(0, c)) for c, one in enumerate(base))
    found = [Row("shots", tuple(base), nothing), Row("augmented", copies, nothing)]
    for shape, fill in product(SHAPES, FILLS):
        reading = replace(parameters, shape=shape, fill=fill)
        made = [
            add_spot(one, brain_mask(one), reading, generator(1, c)) for c, one in enumerate(base)
        ]
        images, masks = zip(*made, strict=True)
        found.append(Row(f"{shape},\n{fill} fill", images, masks))
    return found


def draw(task: Task) -> bytes:
    """PNG of the shots of one draw under the synthesis of one method."""
    (method,) = task.params["methods"]
    root, frame = task.locations["images"], Frame.of(task.params)
    shots = [
        load_frame(root, row["path"], row["sha256"], frame)
        for row in read_csv(task.inputs[f"shots/{single_draw(task)}"])
    ]
    parameters = ConsultSynthesis.of(task.params["synthesis"][method])
    found = rows(np.stack(shots), parameters, task.seed("tumours", "dataset", "split"))
    here = f"{parameters.shape}, {parameters.fill} fill"
    return render(f"{task.params['title']}: {place(task)}; {method} trains on: {here}", found)


def render(title: str, found: Sequence[Row]) -> bytes:
    """PNG bytes: a row of images for every row, its heading at the left."""
    columns, step = len(found[0].images), CELL + GAP
    with style():
        page = Page(LEFT + columns * step + 0.2, TOP + len(found) * step + BOTTOM, title, KEY)
        for number, row in enumerate(found):
            top = TOP + number * step
            page.text(LEFT - 0.1, top + CELL / 2, row.heading, ha="right", va="center", fontsize=9)
            for column, (image, mask) in enumerate(zip(row.images, row.masks, strict=True)):
                axis = page.axes(LEFT + column * step, top, CELL, CELL)
                picture(axis, image, mask, cmap="gray", vmin=0, vmax=255)
        return page.png()
