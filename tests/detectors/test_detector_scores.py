"""Scores of batches as those of one."""

import numpy as np

from medad.detectors.scores import Scores


def part(values, maps=True):
    image = np.array(values, dtype=np.float64)
    return Scores(image, np.ones((len(values), 2, 3), np.float32) if maps else None)


def test_join_keeps_order_and_types():
    joined = Scores.join([part([3.0, 1.0]), part([2.0])])
    assert joined.image.tolist() == [3.0, 1.0, 2.0]
    assert joined.maps is not None
    assert (joined.maps.shape, joined.maps.dtype) == ((3, 2, 3), np.float32)


def test_join_without_maps():
    assert Scores.join([part([1.0], maps=False), part([2.0], maps=False)]).maps is None
