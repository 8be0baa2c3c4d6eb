"""Healthy and anomalous images of a data set, as ADFA's figure 1 shows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medad.data.frame import Frame, load_frame
from medad.data.readers import ANOMALOUS, HEALTHY
from medad.errors import MedadError
from medad.evaluation.masks import mask_files, square_mask
from medad.files import read_parquet
from medad.reporting.examples import place
from medad.reporting.figure import Page, picture, shortened, style
from medad.task import Task

EACH = 6  # images of a label
CELL, GAP, LEFT, TOP, CAPTION = 1.15, 0.06, 0.25, 0.42, 0.3  # inches
NOTE = "Below each image: its file. Outline: lesion mask, if any."
Rows = Mapping[str, Sequence[Any]]
Shown = tuple[NDArray[np.uint8], NDArray[np.bool_] | None, str]


def chosen(split: Rows, label: int) -> list[int]:
    """Rows of test images of a label, evenly over the list, one of each leakage group."""
    first: dict[int, int] = {}
    for row, (group, own, test) in enumerate(
        zip(split["group"], split["label"], split["test"], strict=True)
    ):
        if test and own == label:
            first.setdefault(group, row)
    rows = sorted(first.values())
    if not rows:
        raise MedadError("figure: the split has no test image of a label; change the split")
    places = np.linspace(0, len(rows) - 1, min(EACH, len(rows))).round().astype(int)
    return [rows[at] for at in places]


def draw(task: Task) -> bytes:
    """PNG of test images of the split, healthy above anomalous."""
    split = read_parquet(task.inputs["split"])
    masks, frame = mask_files(task.inputs["index"]), Frame.of(task.params)
    root = task.locations["images"]

    def shown(row: int) -> Shown:
        path = str(split["path"][row])
        image = load_frame(root, path, split["sha256"][row], frame)
        return image, square_mask(root, masks, path, frame), path

    rows = [[shown(row) for row in chosen(split, label)] for label in (HEALTHY, ANOMALOUS)]
    return render(f"{task.params['title']}: {place(task)}", rows)


def render(title: str, rows: Sequence[Sequence[Shown]]) -> bytes:
    """PNG bytes of two rows of (image, mask or None, path)."""
    most = max(4, *(len(row) for row in rows))  # the title needs four
    height = TOP + 2 * (CELL + CAPTION) + 0.25
    with style():
        page = Page(LEFT + 0.2 + most * (CELL + GAP), height, title, NOTE)
        for number, (name, row) in enumerate(zip(("healthy", "anomalous"), rows, strict=True)):
            top = TOP + number * (CELL + CAPTION)
            for column, (image, mask, path) in enumerate(row):
                left = LEFT + 0.15 + column * (CELL + GAP)
                axis = page.axes(left, top, CELL, CELL)
                picture(axis, image, mask)
                if column == 0:
                    axis.set_ylabel(name)
                page.text(left, top + CELL + 0.04, shortened(path, 24), fontsize=5.5)
        return page.png()
