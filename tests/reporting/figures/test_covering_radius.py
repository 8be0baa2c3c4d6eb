"""Covering radii against their definition."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medad.backbones import checkpoint, weights
from medad.errors import MedadError
from medad.evaluation.scores import read_scores
from medad.files import write_csv
from medad.reporting.figures.covering_radius import (
    RATIOS,
    Curve,
    covering_radii,
    draw,
    enough,
    render,
)
from medad.task import Task


def _by_definition(features: np.ndarray, start: int, ratios: np.ndarray) -> list[float]:
    """Choose the farthest again and again, and measure all distances after every choice."""
    exact = features.astype(np.float64)
    distances = np.linalg.norm(exact[:, None] - exact[None], axis=2)
    chosen, radii = [start], [distances[start].max()]
    while len(chosen) < len(features):
        chosen.append(int(np.argmax(distances[chosen].min(axis=0))))
        radii.append(distances[chosen].min(axis=0).max())
    return [radii[max(1, round(r * len(features))) - 1] / radii[0] for r in ratios.tolist()]


@given(st.integers(0, 1000), st.integers(2, 40))
def test_radii_are_those_of_the_definition(seed: int, size: int) -> None:
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(size, 3)).astype(np.float32)
    start = int(rng.integers(size))
    found = covering_radii(features, start, RATIOS)
    np.testing.assert_allclose(found, _by_definition(features, start, RATIOS), atol=1e-6)
    assert found[-1] == 0


def test_copies_need_no_more_points() -> None:
    two = np.repeat(np.array([[0.0, 0.0], [3.0, 4.0]], np.float32), 10, axis=0)
    np.testing.assert_allclose(covering_radii(two, 0, np.array([0.05, 0.1, 0.5])), [1, 0, 0])
    with pytest.raises(MedadError, match="nothing to cover"):
        covering_radii(np.ones((5, 2), np.float32), 0, RATIOS)


def test_what_is_enough() -> None:
    radii = np.linspace(1.0, 0.0, len(RATIOS))
    curve = Curve("m", np.stack([radii - 0.01, radii + 0.01]), 0.1)
    assert enough(curve, 0.5) == RATIOS[10]
    assert enough(curve, 0.49) == RATIOS[11]


def test_the_same_picture_every_time(
    make_task: Callable[..., Task], inches: Callable[[bytes], tuple[float, float]], odd: str
) -> None:
    detector = {"layers": [2], "pool": 3, "coreset": 0.1}
    task = make_task(methods=["m"], detector={"m": detector}, draws=[0, 1])
    scores = read_scores(task.inputs["scores/consult/k4/r0"])
    lines = [{"path": scores.path[i], "sha256": scores.sha256[i]} for i in range(4)]
    write_csv(task.scratch / "shots.csv", ["path", "sha256"], lines)
    checkpoint.save(task.scratch / "t.safetensors", weights.random("resnet18", 0), {})
    inputs = {}
    for r in range(2):
        inputs[f"shots/k4/r{r}"] = task.scratch / "shots.csv"
        inputs[f"trunk/m/k4/r{r}"] = task.scratch / "t.safetensors"
    task = replace(task, inputs=inputs)
    content = draw(task)
    assert content == draw(task)
    assert set(task.seeds) == {"head/k4/r0", "head/k4/r1"}
    assert inches(content) == pytest.approx((7.4, 4.4))
    inches(render(odd, [Curve(odd, np.ones((1, len(RATIOS))), 0.1)]))
