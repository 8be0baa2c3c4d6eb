"""Closed random Bezier curves, the outline of CONSULT's spots (section 3.2, Algorithm 1).

GetRandomPoints and GetBezierCurve are not printed in the paper; N_C and E are the number of
points and the ``edgy`` of a widely copied recipe for random blobs, followed here but for its gap
test, which missed the closing gap and did not measure a Euclidean distance.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

Points = npt.NDArray[np.float64]

_TRIES = 200
_SAMPLES = 100


def random_points(count: int, rng: np.random.Generator) -> Points:
    """``count`` points in [-0.5, 0.5]^2 in the order of their angle about the centroid.

    Drawn again until neighbours, the last and first included, are 0.7 / count apart; after 200
    draws the one with the widest least gap is taken.
    """
    best, widest = np.empty((count, 2)), -1.0
    for _ in range(_TRIES):
        points = sort_by_angle(rng.random((count, 2)) - 0.5)
        gap = float(_lengths(points).min())
        if gap > widest:
            best, widest = points, gap
        if gap >= 0.7 / count:
            break
    return best


def sort_by_angle(points: Points) -> Points:
    """Points (n, 2) in increasing arctan2(dx, dy) about their mean."""
    dx, dy = (points - points.mean(axis=0)).T
    return points[np.argsort(np.arctan2(dx, dy), kind="stable")]


def tangent_angles(points: Points, edgy: float) -> npt.NDArray[np.float64]:
    """Direction of the curve at every vertex of a closed polygon, in radians, (n,).

    A weighted mean of the directions of the segment after (weight arctan(edgy) / pi + 1/2) and
    before the vertex, turned by pi when they are more than pi apart. Meant for small ``edgy``:
    where the turn applies, a weight near 1 points the wrong way.
    """
    weight = np.arctan(edgy) / np.pi + 0.5
    dx, dy = (np.roll(points, -1, axis=0) - points).T
    after = np.arctan2(dy, dx) % (2 * np.pi)
    before = np.roll(after, 1)
    return np.asarray(
        weight * after + (1 - weight) * before + np.pi * (np.abs(before - after) > np.pi)
    )


def controls(points: Points, edgy: float, radius: float) -> Points:
    """Control points (n, 4, 2) of the cubic segments from every vertex to the next.

    The inner two lie ``radius`` times the segment's length along the tangents.
    """
    angles = tangent_angles(points, edgy)
    tangents = np.stack((np.cos(angles), np.sin(angles)), axis=1)
    reach = radius * _lengths(points)[:, None]
    end, end_tangent = np.roll(points, -1, axis=0), np.roll(tangents, -1, axis=0)
    return np.stack((points, points + reach * tangents, end - reach * end_tangent, end), axis=1)


def curve(points: Points, edgy: float, radius: float) -> Points:
    """The closed curve as (100 n, 2) samples, 100 a segment, both its ends included."""
    t = np.linspace(0, 1, _SAMPLES)
    basis = np.stack(((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3), axis=1)
    return (basis @ controls(points, edgy, radius)).reshape(-1, 2)


def hull(outline: Points) -> Points:
    """Corners (m, 2) of the convex hull of an outline, to float32 precision."""
    return np.asarray(cv2.convexHull(outline.astype(np.float32))[:, 0], np.float64)


def _lengths(points: Points) -> npt.NDArray[np.float64]:
    """Length of every side of the closed polygon, (n,)."""
    return np.asarray(np.linalg.norm(np.roll(points, -1, axis=0) - points, axis=1))
