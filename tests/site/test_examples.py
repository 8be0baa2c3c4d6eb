from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from medad.evaluation.scores import Scores
from medad.site.examples import KINDS, Standing, choose, ranks, standings


@given(st.lists(st.integers(0, 5), min_size=1, max_size=20))
def test_a_rank_is_one_more_than_the_images_above(values: list[int]) -> None:
    found = ranks(np.array(values, np.float64)).tolist()
    assert found == [1 + sum(other > value for other in values) for value in values]


def scores(rows: list[tuple[str, int, int, str, float]]) -> Scores:
    path, label, group, role, score = zip(*rows, strict=True)
    return Scores(
        np.array(path),
        np.array(["0" * 64] * len(rows)),
        np.array(label),
        np.array(group),
        np.array(role),
        np.array(score, np.float64),
    )


def test_a_standing_is_the_mean_percentile_over_the_draws_that_test_an_image() -> None:
    one = scores([("a", 0, 0, "test", 1.0), ("b", 1, 1, "test", 2.0), ("v", 0, 2, "validation", 9)])
    two = scores([("b", 1, 1, "test", 50.0), ("c", 0, 3, "test", 60.0)])
    found = {image.path: image.percentile for image in standings([one, two])}
    assert found == {"a": 25.0, "b": (75.0 + 25.0) / 2, "c": 75.0}


@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 4), st.integers(0, 9)), max_size=25))
def test_the_most_extreme_of_each_kind_one_of_every_group(
    rows: list[tuple[int, int, int]],
) -> None:
    images = [
        Standing(str(number), label, 10 * label + group, float(value))
        for number, (label, group, value) in enumerate(rows)
    ]
    found = choose(images, 4)
    assert set(found) == set(KINDS)
    for label, high, low in ((1, "hit", "miss"), (0, "alarm", "clean")):
        own = [image for image in images if image.label == label]
        groups = {image.group for image in own}
        shown = [*found[high], *found[low]]
        assert len({image.group for image in shown}) == len(shown) == min(8, len(groups))
        assert {image.label for image in shown} <= {label}
        if own:
            assert found[high][0].percentile == max(image.percentile for image in own)
        rest = [image for image in own if image.group not in {i.group for i in found[high]}]
        if found[low]:
            assert found[low][0].percentile == min(image.percentile for image in rest)
