"""Readings of the same draws differ in what they are meant to differ in, and in nothing else."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml

from medad.files import write_csv
from medad.reporting.figures.tumour_sheet import COLUMNS, draw, rows
from medad.synthesis.brain_mask import brain_mask
from medad.synthesis.parameters import ConsultSynthesis
from medad.synthesis.spots import add_spot
from medad.task import Task

SHIPPED = yaml.safe_load((Path(__file__).parents[3] / "params.yaml").read_text())
PLAIN = SHIPPED["synthesis"]["consult"]
PARAMETERS = ConsultSynthesis.of(PLAIN)


def _shots() -> np.ndarray:
    found = np.zeros((3, 96, 96, 3), np.uint8)
    for number in range(3):
        cv2.ellipse(found[number], (48, 48), (30 + number, 38), 0, 0, 360, (90, 90, 90), -1)
    return found


def test_readings_share_their_draws() -> None:
    shots = _shots()
    found = {row.heading.replace("\n", " "): row for row in rows(shots, PARAMETERS, 7)}
    assert len(found) == 6
    for column, image in enumerate(found["shots"].images):
        np.testing.assert_array_equal(image, shots[column % 3, ..., 0])
    literal, other = found["curve, literal fill"], found["curve, mu_sigma fill"]
    hull = found["hull, literal fill"]
    different = 0
    for column in range(COLUMNS):
        mask = literal.masks[column]
        np.testing.assert_array_equal(mask, other.masks[column])
        assert (literal.images[column] != other.images[column])[mask].any()
        np.testing.assert_array_equal(
            literal.images[column][~mask], found["shots"].images[column][~mask]
        )
        assert (hull.masks[column] & mask).any()
        different += (hull.masks[column] != mask).any()
    assert different > 0


def test_a_tumour_is_the_synthesis_own() -> None:
    row = next(row for row in rows(_shots(), PARAMETERS, 7) if row.heading.startswith("hull,\nmu"))
    base = _shots()[1, ..., 0]
    reading = replace(PARAMETERS, shape="hull", fill="mu_sigma")
    expected = add_spot(base, brain_mask(base), reading, np.random.default_rng((7, 1, 1)))
    np.testing.assert_array_equal(row.images[1], expected[0])
    np.testing.assert_array_equal(row.masks[1], expected[1])


def test_the_same_picture_every_time(
    make_task: Callable[..., Task], inches: Callable[[bytes], tuple[float, float]]
) -> None:
    task = make_task(methods=["consult"], side=96, synthesis={"consult": PLAIN})
    lines = []
    for number, shot in enumerate(_shots()):
        content = cv2.imencode(".png", shot)[1].tobytes()
        (task.scratch / f"shot{number}.png").write_bytes(content)
        digest = hashlib.sha256(content).hexdigest()
        lines.append({"path": f"shot{number}.png", "sha256": digest})
    write_csv(task.scratch / "shots.csv", ["path", "sha256"], lines)
    task = replace(task, inputs={"shots/k4/r0": task.scratch / "shots.csv"})
    content = draw(task)
    assert content == draw(task)
    assert set(task.seeds) == {"tumours"}
    assert inches(content) == pytest.approx((1.55 + 8 * 1.1, 0.7 + 6 * 1.1), abs=0.01)
