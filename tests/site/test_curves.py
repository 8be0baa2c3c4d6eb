"""Curves against plain counting."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medad.errors import MedadError
from medad.site import curves

# Few distinct scores, so that ties are common.
DRAW = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 6)), min_size=2, max_size=30).filter(
    lambda rows: {label for label, _ in rows} == {0, 1}
)


def counted(rows: list[tuple[int, int]]) -> float:
    """AUROC by comparing every pair."""
    positive = [score for label, score in rows if label]
    negative = [score for label, score in rows if not label]
    wins = sum((p > n) + (p == n) / 2 for p in positive for n in negative)
    return wins / (len(positive) * len(negative))


def arrays(rows: list[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray]:
    labels, scores = zip(*rows, strict=True)
    return np.array(labels), np.array(scores, np.float64)


@given(st.lists(DRAW, min_size=1, max_size=4))
def test_the_area_below_the_mean_curve_is_the_mean_auroc(
    draws: list[list[tuple[int, int]]],
) -> None:
    band = curves.roc_band([curves.roc(*arrays(rows)) for rows in draws])
    assert np.trapezoid(band.mean, band.x) == pytest.approx(
        np.mean([counted(rows) for rows in draws]), abs=1e-6
    )
    assert (band.low <= band.mean + 1e-12).all()
    assert (band.mean <= band.high + 1e-12).all()
    assert (np.diff(band.x) >= 0).all()
    assert band.draws == len(draws)


@given(DRAW, st.booleans())
def test_every_image_is_in_one_bin(rows: list[tuple[int, int]], logarithmic: bool) -> None:
    labels, scores = arrays(rows)
    found = curves.counts(labels, scores + 1, 7, logarithmic)
    assert found.anomalous.sum() == labels.sum()
    assert found.healthy.sum() == (labels == 0).sum()
    assert len(found.edges) == 8
    assert found.edges[0] <= scores.min() + 1
    assert found.edges[-1] >= scores.max() + 1 - 1e-9


def write(path: Path, events: list[dict[str, float]]) -> Path:
    path.write_text("".join(json.dumps(event) + "\n" for event in events))
    return path


def test_training_is_mean_and_range_over_draws(tmp_path: Path) -> None:
    one = write(tmp_path / "a", [{"step": s, "epoch": 0, "loss": s, "z": 1} for s in range(500)])
    two = write(tmp_path / "b", [{"step": s, "loss": 3 * s, "loss/a": 0} for s in range(500)])
    found = curves.training([one, two])
    assert list(found) == ["loss", "loss/a", "z"]
    loss = found["loss"]
    assert len(loss.x) <= 121
    assert loss.x[-1] == 499
    assert np.array_equal(loss.mean, 2 * loss.x)
    assert np.array_equal(loss.low, loss.x)
    assert np.array_equal(loss.high, 3 * loss.x)
    assert (loss.draws, found["z"].draws) == (2, 1)


def test_values_that_cannot_be_drawn_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "a").write_text('{"step": 0, "loss": NaN}\n{"step": 1, "loss": 2.0}\n')
    assert curves.training([tmp_path / "a"])["loss"].x.tolist() == [1.0]


def test_a_damaged_log_is_named(tmp_path: Path) -> None:
    (tmp_path / "a").write_text('{"step": 0')
    with pytest.raises(MedadError, match="not JSON lines"):
        curves.training([tmp_path / "a"])
