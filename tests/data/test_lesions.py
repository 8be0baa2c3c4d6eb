from __future__ import annotations

import numpy as np
import pytest

from medad.data.anatomy import draw_anatomy
from medad.data.lesions import AREA, draw_lesion


@pytest.mark.parametrize("side", [32, 80])
def test_lesions_lie_in_the_brain_and_have_their_size(side):
    for seed in range(12):
        anatomy = draw_anatomy(np.random.default_rng(seed), side)
        signal, mask = draw_lesion(np.random.default_rng([seed, 1]), anatomy)
        assert signal.shape == mask.shape == (side, side)
        assert mask.dtype == np.uint8
        assert set(np.unique(mask)) == {0, 1}
        assert AREA[0] <= mask.mean() <= AREA[1]
        assert (anatomy.brain[mask == 1] > 0.5).all()
        assert np.isfinite(signal).all()


def test_the_change_is_where_the_mask_is():
    inside, outside = [], []
    for seed in range(20):
        anatomy = draw_anatomy(np.random.default_rng(seed), 64)
        signal, mask = draw_lesion(np.random.default_rng([seed, 2]), anatomy)
        change = np.abs(signal - anatomy.signal)
        inside.append(change[mask == 1].mean())
        outside.append(change[mask == 0].mean())
    assert np.mean(inside) > 8 * np.mean(outside)
    assert min(inside) > 0.02


def test_the_input_is_not_changed():
    anatomy = draw_anatomy(np.random.default_rng(0), 48)
    before = anatomy.signal.copy()
    draw_lesion(np.random.default_rng(1), anatomy)
    np.testing.assert_array_equal(anatomy.signal, before)
