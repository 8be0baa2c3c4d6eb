"""Bezier outlines: golden values, and properties of the random ones."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medad.synthesis.bezier import (
    controls,
    curve,
    hull,
    random_points,
    sort_by_angle,
    tangent_angles,
)

SQUARE = np.array([(0, 0), (0, 1), (1, 1), (1, 0)], float)
seeds = st.integers(0, 10_000)


def area(outline):
    """Shoelace formula, one term at a time."""
    total = 0.0
    for (x0, y0), (x1, y1) in zip(outline, np.roll(outline, -1, axis=0), strict=True):
        total += x0 * y1 - x1 * y0
    return abs(total) / 2


def test_golden_angles_controls_and_area():
    angles = tangent_angles(SQUARE, 0.05)
    assert angles == pytest.approx([2.33122, 0.76042, 5.57272, 3.90201], abs=5e-6)
    first = controls(SQUARE, 0.05, 0.2)[0]
    assert first == pytest.approx(
        np.array([(0, 0), (-0.1378, 0.1449), (-0.1449, 0.8622), (0, 1)]), abs=5e-5
    )
    outline = curve(SQUARE, 0.05, 0.2)
    assert outline.shape == (400, 2)
    assert area(outline) == pytest.approx(1.3151, abs=5e-5)


def test_sorting_gives_the_golden_order():
    assert sort_by_angle(SQUARE[[2, 0, 3, 1]]).tolist() == SQUARE.tolist()


def test_without_edginess_the_tangent_is_midway_between_the_sides():
    assert tangent_angles(SQUARE, 0) % (2 * np.pi) == pytest.approx(
        np.array([0.75, 0.25, 1.75, 1.25]) * np.pi
    )


@given(seeds, st.integers(3, 9))
@settings(deadline=None)
def test_random_points_keep_their_distance_all_round(seed, count):
    points = random_points(count, np.random.default_rng(seed))
    assert points.shape == (count, 2)
    assert np.abs(points).max() <= 0.5
    gaps = [np.hypot(*(points[i] - points[i - 1])) for i in range(count)]
    assert min(gaps) >= 0.7 / count
    assert np.array_equal(sort_by_angle(points), points)


def test_the_widest_draw_is_kept_when_none_is_wide_enough():
    class Crowded:
        """Draws that shrink: the first is the widest."""

        def __init__(self):
            self.draws = 0

        def random(self, shape):
            self.draws += 1
            return np.random.default_rng(0).random(shape) / (100 * self.draws)

    rng = Crowded()
    points = random_points(5, rng)
    assert rng.draws == 200
    assert points == pytest.approx(
        sort_by_angle(np.random.default_rng(0).random((5, 2)) / 100 - 0.5)
    )


@given(seeds, st.floats(0, 2), st.floats(0, 0.5))
@settings(deadline=None)
def test_the_curve_is_closed_and_smooth_through_every_point(seed, edgy, radius):
    points = random_points(5, np.random.default_rng(seed))
    outline = curve(points, edgy, radius).reshape(5, 100, 2)
    assert outline[:, 0] == pytest.approx(points)
    assert outline[:, -1] == pytest.approx(np.roll(points, -1, axis=0))
    segments = controls(points, edgy, radius)
    leaving = segments[:, 1] - segments[:, 0]
    arriving = np.roll(segments[:, 3] - segments[:, 2], 1, axis=0)
    cross = leaving[:, 0] * arriving[:, 1] - leaving[:, 1] * arriving[:, 0]
    assert np.abs(cross).max() < 1e-9
    assert (np.sum(leaving * arriving, axis=1) >= 0).all()


def test_samples_follow_the_recursion_of_de_casteljau():
    points = random_points(4, np.random.default_rng(1))
    outline = curve(points, 0.05, 0.2).reshape(4, 100, 2)
    for segment, samples in zip(controls(points, 0.05, 0.2), outline, strict=True):
        for t, sample in zip(np.linspace(0, 1, 100)[::9], samples[::9], strict=True):
            level = segment
            while len(level) > 1:
                level = (1 - t) * level[:-1] + t * level[1:]
            assert sample == pytest.approx(level[0])


@given(seeds)
@settings(deadline=None)
def test_the_hull_is_convex_and_holds_the_curve(seed):
    outline = curve(random_points(5, np.random.default_rng(seed)), 0.05, 0.2)
    corners = hull(outline)
    side = np.roll(corners, -1, axis=0) - corners
    after = np.roll(side, -1, axis=0)
    turns = side[:, 0] * after[:, 1] - side[:, 1] * after[:, 0]
    assert (turns >= -1e-6).all() or (turns <= 1e-6).all()
    assert area(corners) >= area(outline) - 1e-6
    reach = [
        cv2.pointPolygonTest(corners.astype(np.float32), (float(x), float(y)), True)
        for x, y in outline[::7]
    ]
    assert min(reach) > -1e-5


def test_shapes_are_as_convex_as_measured_before():
    rng = np.random.default_rng(0)
    solidity = {}
    for count in (3, 5, 10):
        outlines = [curve(random_points(count, rng), 0.05, 0.2) for _ in range(150)]
        solidity[count] = np.mean([area(o) / area(hull(o)) for o in outlines])
    assert solidity[3] == pytest.approx(0.998, abs=0.01)
    assert solidity[5] == pytest.approx(0.93, abs=0.02)
    assert solidity[10] == pytest.approx(0.78, abs=0.03)
