"""Pixel metrics against slow definitions, scipy and torch."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import ndimage
from sklearn.metrics import roc_auc_score

from medad.errors import MedadError
from medad.evaluation.localisation import overlap, pixel_auroc, pro


def _case(seed: int, levels: int) -> tuple[np.ndarray, np.ndarray]:
    """Maps with ties and masks of several components, one image without any."""
    rng = np.random.default_rng(seed)
    masks = ndimage.binary_opening(rng.random((4, 16, 16)) < 0.62)
    masks = np.stack([ndimage.binary_opening(mask, np.ones((2, 2))) for mask in masks])
    masks[0] = False
    maps = rng.integers(0, levels, masks.shape) + 1.5 * masks
    return maps.astype(np.float32), masks


def _slow_pro(maps: np.ndarray, masks: np.ndarray, limit: float) -> float:
    """Every threshold in turn, every component in turn, then the trapezoid rule."""
    components = []
    for number, mask in enumerate(masks):
        labels, count = ndimage.label(mask, np.ones((3, 3)))
        components += [(number, labels == one) for one in range(1, count + 1)]
    curve = [(0.0, 0.0)]
    for threshold in np.unique(maps)[::-1]:
        found = maps >= threshold
        overlaps = [found[number][where].mean() for number, where in components]
        curve.append((found[~masks].mean(), float(np.mean(overlaps))))
    area = 0.0
    for (x0, y0), (x1, y1) in pairwise(curve):
        if x0 >= limit:
            break
        if x1 > limit:
            y1 = y0 + (y1 - y0) * (limit - x0) / (x1 - x0)
            x1 = limit
        area += (x1 - x0) * (y0 + y1) / 2
    return area / limit


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("levels", [2, 6, 10_000])
@pytest.mark.parametrize("limit", [0.05, 0.3, 1.0])
def test_pro_equals_the_definition(seed: int, levels: int, limit: float) -> None:
    maps, masks = _case(seed, levels)
    assert pro(maps, masks, limit) == pytest.approx(_slow_pro(maps, masks, limit), abs=1e-9)


@settings(max_examples=150, deadline=None)
@given(
    shape=st.tuples(st.integers(1, 3), st.integers(1, 5), st.integers(1, 5)),
    limit=st.sampled_from([0.1, 0.3, 1.0]),
    data=st.data(),
)
def test_pro_and_auroc_equal_the_definitions_for_any_maps_and_masks(shape, limit, data) -> None:
    values = st.integers(-2, 2).map(float)
    maps = data.draw(arrays.arrays(np.float32, shape, elements=values))
    masks = data.draw(arrays.arrays(np.bool_, shape))
    if masks.any() and not masks.all():
        assert pro(maps, masks, limit) == pytest.approx(_slow_pro(maps, masks, limit), abs=1e-9)
        above = maps[masks][:, None] - maps[~masks][None]
        slow = (above > 0).mean() + (above == 0).mean() / 2
        assert pixel_auroc(maps, masks) == pytest.approx(slow, abs=1e-12)
    else:
        with pytest.raises(MedadError):
            pro(maps, masks, limit)


def test_pro_of_perfect_inverted_and_constant_maps() -> None:
    _, masks = _case(0, 3)
    assert pro(masks.astype(np.float32), masks) == 1.0
    assert pro(-masks.astype(np.float32), masks) == 0.0
    assert pro(np.zeros(masks.shape, np.float32), masks) == pytest.approx(0.15)


def test_pro_weighs_components_not_pixels() -> None:
    masks = np.zeros((1, 20, 20), np.bool_)
    masks[0, :10, :10] = True
    masks[0, 15, 15] = True
    maps = np.zeros(masks.shape, np.float32)
    maps[0, 15, 15] = 1.0
    # The single pixel is found before any false positive, the square only with all the rest.
    assert pro(maps, masks) == pytest.approx(0.5 + 0.5 * 0.15)


def test_diagonal_neighbours_are_one_component() -> None:
    masks = np.zeros((1, 10, 10), np.bool_)
    masks[0, [2, 3, 8], [2, 3, 8]] = True
    maps = np.zeros(masks.shape, np.float32)
    maps[0, 8, 8] = 1.0
    assert pro(maps, masks) == pytest.approx(0.5 + 0.5 * 0.15)


@pytest.mark.parametrize("levels", [2, 6, 10_000])
def test_pixel_auroc_equals_scikit_learn(levels: int) -> None:
    maps, masks = _case(1, levels)
    expected = roc_auc_score(masks.ravel(), maps.ravel())
    assert pixel_auroc(maps, masks) == pytest.approx(expected, abs=1e-12)


def test_overlap_by_hand() -> None:
    masks = np.zeros((3, 2, 2), np.bool_)
    masks[1, 0] = True
    masks[2] = True
    maps = np.array([[[9, 9], [9, 9]], [[9, 0], [9, 0]], [[9, 9], [9, 9]]], np.float32)
    # Image 1: one of two found, one wrong: Dice 2/4, IoU 1/3. Image 2: perfect. Image 0: no mask.
    dice, iou = overlap(maps, masks, 5.0)
    assert dice == pytest.approx(0.75)
    assert iou == pytest.approx((1 / 3 + 1) / 2)
    assert overlap(maps, masks, 9.0) == (0.0, 0.0)


def test_refuses() -> None:
    maps, masks = _case(0, 3)
    with pytest.raises(MedadError, match="both kinds of pixels"):
        pro(maps, np.zeros_like(masks))
    with pytest.raises(MedadError, match="NaN"):
        pro(np.full_like(maps, np.nan), masks)
    with pytest.raises(MedadError, match="must both be"):
        pixel_auroc(maps[:2], masks)
    with pytest.raises(MedadError, match="at least one image"):
        overlap(maps, np.zeros_like(masks), 0.5)
