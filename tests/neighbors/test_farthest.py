"""What the front knows of its points, against all distances."""

import numpy as np
import pytest

from medad.neighbors import farthest
from medad.neighbors.chosen import OnCpu, OnDevice
from medad.neighbors.coreset import _pick
from medad.neighbors.farthest import Bounds, Front
from medad.neighbors.product import left, right


@pytest.mark.parametrize(
    ("front", "rows", "centres"), [(4096, 2048, 1024), (120, 32, 8), (60, 16, 8), (9, 4, 3)]
)
@pytest.mark.parametrize("kind", [OnCpu, lambda columns: OnDevice(columns, "cpu")])
def test_nearest_two_of_the_choices_seen(monkeypatch, kind, front, rows, centres):
    monkeypatch.setattr(farthest, "_FRONT", front)
    monkeypatch.setattr(farthest, "OnCpu", kind)
    for each in (OnCpu, OnDevice):
        monkeypatch.setattr(each, "rows", rows)
        monkeypatch.setattr(each, "centres", centres)
    features = np.random.default_rng(0).normal(size=(500, 12)).astype(np.float32)
    bounds = Bounds(features, 100, 3, 1 << 16)  # of which 80 here: after the last, none is kept
    while bounds.done < 80:
        leading = Front(bounds)
        while bounds.done < 80 and leading.leads():
            inside = leading.largest(16)
            leading.choose(_pick(leading, inside, 80 - bounds.done), inside)
        leading.leave()
    points = left(features, bounds.middle).astype(np.float64)
    chosen = right(left(features[bounds.order], bounds.middle)).astype(np.float64)
    waiting = np.setdiff1d(np.arange(500), bounds.order[:80])
    assert len(set(bounds.seen[waiting])) > 1 or front > 500  # some are behind
    for point in waiting:
        values = points[point] @ chosen[: bounds.seen[point]].T
        two = np.sort(np.append(values, np.inf))[:2]
        assert bounds.first[point] == pytest.approx(two[0], abs=1e-4)
        assert bounds.second[point] == pytest.approx(two[1], abs=1e-4)
        assert values[bounds.owner[point]] == pytest.approx(two[0], abs=1e-4)
        near = features[bounds.order[: bounds.seen[point]]].astype(np.float64) - features[point]
        nearest = np.square(near).sum(axis=1).min()
        assert 0 <= bounds.upper[point] - nearest <= 2 * bounds.margin[point]
