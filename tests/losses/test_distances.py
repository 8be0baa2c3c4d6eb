"""Distances against loops over images, positions and references."""

import itertools
import math

import numpy as np
import pytest
import torch

from medad.errors import MedadError
from medad.losses import distances
from medad.losses.distances import distance, lesion_coverage

KINDS = ("aligned", "nearest", "global")
READINGS = list(itertools.product(KINDS, (True, False), ("mean", "sum")))


def grid(seed, *shape, dtype=torch.float64):
    return torch.tensor(np.random.default_rng(seed).normal(size=shape), dtype=dtype)


def by_loops(features, reference, kind, squared, channels, selected):
    """Every loop written out; a reference is an anchor (C, h, w) or a bank (M, C)."""

    def length(a, b):
        total = sum((x - y) ** 2 for x, y in zip(a, b, strict=True))
        total = total / len(a) if channels == "mean" else total
        return total if squared else math.sqrt(total)

    def mean(vectors):
        return [sum(values) / len(vectors) for values in zip(*vectors, strict=True)]

    if reference.ndim == 3:
        _, h, w = reference.shape
        bank = [reference[:, i, j].tolist() for i in range(h) for j in range(w)]
    else:
        bank = reference.tolist()
    images = []
    for b in range(features.shape[0]):
        values, vectors = [], []
        for i in range(features.shape[2]):
            for j in range(features.shape[3]):
                if not selected[b, i, j]:
                    continue
                z = features[b, :, i, j].tolist()
                vectors.append(z)
                if kind == "aligned":
                    values.append(length(z, reference[:, i, j].tolist()))
                elif kind == "nearest":
                    values.append(min(length(z, m) for m in bank))
        if vectors:
            images.append(
                length(mean(vectors), mean(bank)) if kind == "global" else sum(values) / len(values)
            )
    return sum(images) / len(images)


@pytest.mark.parametrize(("kind", "squared", "channels"), READINGS)
@pytest.mark.parametrize("masked", [False, True])
def test_equals_the_loops(kind, squared, channels, masked):
    features, anchor = grid(0, 3, 4, 2, 3), grid(1, 4, 2, 3)
    selected = torch.ones(3, 2, 3, dtype=torch.bool)
    if masked:
        selected = grid(2, 3, 2, 3) > 0.2
        selected[1] = False  # an image without a position does not count
    got = distance(
        features,
        anchor,
        kind=kind,
        squared=squared,
        channels=channels,
        selected=selected if masked else None,
    )
    expected = by_loops(features, anchor, kind, squared, channels, selected)
    assert float(got) == pytest.approx(expected)


@pytest.mark.parametrize("kind", ["nearest", "global"])
def test_a_bank_of_any_size_is_a_reference(kind):
    features, bank = grid(0, 2, 4, 3, 3), grid(1, 7, 4)
    everywhere = torch.ones(2, 3, 3, dtype=torch.bool)
    expected = by_loops(features, bank, kind, True, "sum", everywhere)
    assert float(distance(features, bank, kind=kind, channels="sum")) == pytest.approx(expected)
    anchor = grid(2, 4, 3, 3)
    as_bank = anchor.flatten(1).T
    assert float(distance(features, as_bank, kind=kind)) == pytest.approx(
        float(distance(features, anchor, kind=kind))
    )


def test_blocks_do_not_change_the_nearest(monkeypatch):
    features, bank = grid(0, 2, 4, 5, 5), grid(1, 9, 4)
    whole = distance(features, bank, kind="nearest")
    monkeypatch.setattr(distances, "_ENTRIES", 30)
    assert torch.equal(distance(features, bank, kind="nearest"), whole)


def test_aligned_is_the_mean_squared_error_and_zero_to_itself():
    features, anchor = grid(0, 3, 4, 2, 2), grid(1, 4, 2, 2)
    expected = torch.nn.functional.mse_loss(features, anchor.expand_as(features))
    assert float(distance(features, anchor, kind="aligned")) == pytest.approx(float(expected))
    assert float(distance(anchor[None], anchor, kind="aligned")) == 0


def test_nearest_ignores_where_features_are_and_aligned_does_not():
    anchor = grid(1, 4, 3, 3)
    moved = anchor.flip(2)[None]
    assert float(distance(moved, anchor, kind="nearest")) == 0
    assert float(distance(moved, anchor, kind="aligned")) > 0.1


def test_float32_nearest_keeps_its_digits_under_a_large_offset():
    features = grid(0, 1, 4, 3, 3, dtype=torch.float32) + 1000
    got = distance(features, features[0] + 0.001, kind="aligned", squared=False)
    near = distance(features, features[0] + 0.001, kind="nearest", squared=False)
    assert float(near) == pytest.approx(float(got), rel=0.2)


@pytest.mark.parametrize("kind", KINDS)
def test_unselected_positions_have_no_influence(kind):
    features, anchor = grid(0, 2, 4, 2, 2), grid(1, 4, 2, 2)
    selected = torch.zeros(2, 2, 2, dtype=torch.bool)
    selected[0, 1, 0] = True
    changed = torch.where(selected[:, None], features, features + 5)
    assert torch.equal(
        distance(changed, anchor, kind=kind, selected=selected),
        distance(features, anchor, kind=kind, selected=selected),
    )


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_selected_is_zero_without_gradient(kind):
    features = grid(0, 2, 4, 2, 2).requires_grad_()
    got = distance(
        features, grid(1, 4, 2, 2), kind=kind, selected=torch.zeros(2, 2, 2, dtype=torch.bool)
    )
    assert float(got) == 0
    assert not got.requires_grad


@pytest.mark.parametrize(("kind", "squared", "channels"), READINGS)
def test_gradients(kind, squared, channels):
    selected = torch.tensor([[[True, False], [True, True]], [[False, True], [False, False]]])
    assert torch.autograd.gradcheck(
        lambda f, a: distance(
            f, a, kind=kind, squared=squared, channels=channels, selected=selected
        ),
        [grid(0, 2, 3, 2, 2).requires_grad_(), grid(1, 3, 2, 2).requires_grad_()],
    )


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_are_finite_at_distance_zero(kind):
    anchor = grid(1, 3, 2, 2).requires_grad_()
    features = anchor.detach()[None].clone().requires_grad_()
    distance(features, anchor, kind=kind, squared=False).backward()
    assert torch.isfinite(features.grad).all()
    assert torch.isfinite(anchor.grad).all()


def test_lesion_coverage_is_the_area_fraction_of_every_cell():
    masks = (grid(0, 2, 8, 12) > 0).to(torch.uint8)
    got = lesion_coverage(masks, (2, 3))
    assert got.shape == (2, 2, 3)
    for b, i, j in itertools.product(range(2), range(2), range(3)):
        cell = masks[b, 4 * i : 4 * i + 4, 4 * j : 4 * j + 4].tolist()
        assert float(got[b, i, j]) == pytest.approx(sum(map(sum, cell)) / 16)


def test_unknown_readings_name_those_that_exist():
    features, anchor = grid(0, 1, 3, 2, 2), grid(1, 3, 2, 2)
    with pytest.raises(MedadError, match="aligned, nearest, global"):
        distance(features, anchor, kind="cosine")
    with pytest.raises(MedadError, match="mean, sum"):
        distance(features, anchor, kind="aligned", channels="max")


@pytest.mark.parametrize(
    ("kind", "reference", "selected"),
    [
        ("aligned", (5, 3), None),
        ("nearest", (5, 4), None),
        ("nearest", (0, 3), None),
        ("aligned", (3, 2, 3), None),
        ("aligned", (3, 2, 2), torch.ones(1, 2, 2)),
        ("aligned", (3, 2, 2), torch.ones(2, 2, dtype=torch.bool)),
    ],
)
def test_shapes_that_do_not_fit_are_refused(kind, reference, selected):
    with pytest.raises(ValueError, match=r"fit|selected"):
        distance(grid(0, 1, 3, 2, 2), grid(1, *reference), kind=kind, selected=selected)
