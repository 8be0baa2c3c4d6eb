"""Shares of each class, and the threshold from validation images alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from medad.evaluation.scores import Scores
from medad.reporting.figures.score_histograms import BINS, draw, panel, render
from medad.task import Task

Inches = Callable[[bytes], tuple[float, float]]


def _scores(validation: int) -> Scores:
    rng = np.random.default_rng(1)
    label = np.array([0] * validation + [0] * 30 + [1] * 20)
    n = len(label)
    return Scores(
        path=np.array([f"{i}" for i in range(n)]),
        sha256=np.array(["x"] * n),
        label=label,
        group=np.arange(n),
        role=np.array(["validation"] * validation + ["test"] * 50),
        score=rng.normal(size=n) + label,
    )


def test_a_panel_counts_what_it_shows() -> None:
    scores = _scores(39)
    found = panel("m", scores, 0.95)
    test = scores.take(scores.rows("test"))
    held = np.sort(scores.score[:39])
    assert found.threshold == held[37]  # ceil(40 * .95) = 38th smallest
    healthy, sick = test.score[test.label == 0], test.score[test.label == 1]
    assert found.sensitivity == np.mean(sick > held[37])
    assert found.specificity == np.mean(healthy <= held[37])
    assert found.edges[0] <= min(test.score.min(), held[37])
    assert found.edges[-1] >= max(test.score.max(), held[37])
    for label, own in ((0, healthy), (1, sick)):
        assert found.shares[label].shape == (BINS,)
        assert found.shares[label].sum() == pytest.approx(1.0)
        inner = (own >= found.edges[3]) & (own < found.edges[4])
        assert found.shares[label][3] == pytest.approx(inner.mean())
        assert found.sizes[label] == len(own)


def test_bins_span_decades_as_scores_do() -> None:
    scores = _scores(39)
    assert not panel("m", scores, 0.95).decades
    heavy = replace(scores, score=np.exp(4.0 * scores.score))
    found = panel("m", heavy, 0.95)
    assert found.decades
    ratios = found.edges[1:] / found.edges[:-1]
    np.testing.assert_allclose(ratios, ratios[0])
    for label in (0, 1):
        assert found.shares[label].sum() == pytest.approx(1.0)
    plain = panel("m", scores, 0.95)
    assert (found.sensitivity, found.specificity) == (plain.sensitivity, plain.specificity)


def test_too_few_validation_images_give_no_threshold(inches: Inches, odd: str) -> None:
    found = panel(odd, _scores(18), 0.95)
    assert (found.threshold, found.sensitivity, found.specificity) == (None, None, None)
    inches(render(odd, [found], 0.95))


def test_the_same_picture_every_time(make_task: Callable[..., Task], inches: Inches) -> None:
    content = draw(make_task(healthy_quantile=0.4))
    assert content == draw(make_task(healthy_quantile=0.4))
    assert inches(content) == pytest.approx((0.65 + 2 * 4.45, 3.8), abs=0.01)
