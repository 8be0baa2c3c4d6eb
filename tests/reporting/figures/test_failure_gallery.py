"""The failures of each method, by its own scores."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from matplotlib.colors import Normalize

from medad.evaluation.scores import read_scores
from medad.reporting.figures import failure_gallery
from medad.reporting.figures.failure_gallery import Failure, Row, draw, render
from medad.task import Task

Inches = Callable[[bytes], tuple[float, float]]


def test_each_method_shows_its_own_worst(
    make_task: Callable[..., Task], monkeypatch: pytest.MonkeyPatch
) -> None:
    task, seen = make_task(), {}
    monkeypatch.setattr(failure_gallery, "render", lambda title, rows: seen.update(rows=rows))
    draw(task)
    assert [row.heading.split(" (")[0] for row in seen["rows"]] == [
        *("patchcore: misses", "patchcore: false alarms"),
        *("consult: misses", "consult: false alarms"),
    ]
    for number, method in enumerate(("patchcore", "consult")):
        scores = read_scores(task.inputs[f"scores/{method}/k4/r0"])
        test = scores.take(scores.rows("test"))
        rising = test.take(np.argsort(test.score))
        anomalous, healthy = (rising.path[rising.label == label].tolist() for label in (1, 0))
        misses, alarms = seen["rows"][2 * number : 2 * number + 2]
        assert [f.path for f in misses.failures] == anomalous[:2]
        assert [f.path for f in alarms.failures] == healthy[::-1]
        for failure in (*misses.failures, *alarms.failures):
            lower = sum(test.score < failure.score)
            assert failure.rank == pytest.approx(100 * (lower + 0.5) / len(test))
            assert (failure.mask is not None) == (failure.path == "7.png")


def test_the_same_picture_every_time(
    make_task: Callable[..., Task], inches: Inches, odd: str
) -> None:
    content = draw(make_task())
    assert content == draw(make_task())
    width, height = inches(content)  # three false alarms; two rows for each of two methods
    assert width == pytest.approx(0.25 + 3 * 2.84 + 0.35, abs=0.01)
    assert height == pytest.approx(0.4 + 4 * 1.94 + 0.3, abs=0.01)
    image = np.zeros((8, 8, 3), np.uint8)
    failure = Failure(image, None, np.zeros((8, 8), np.float32), odd * 20, 0.0, 50.0)
    inches(render(odd, [Row(odd, Normalize(0.0, 1.0), (failure,))]))
