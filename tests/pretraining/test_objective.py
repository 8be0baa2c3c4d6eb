import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from medad.errors import MedadError
from medad.pretraining.objective import distances, initial_scale, terms
from medad.pretraining.parameters import ConsultParams
from medad.pretraining.pool import Batch

C, H, W = 5, 3, 4


def _batch(shots=1, healthy=2, anomalous=2, anchor=0, seed=0):
    """Features and a batch whose masks are 4 times as fine as the features."""
    rng = np.random.default_rng(seed)
    count = shots + healthy + anomalous
    features = torch.from_numpy(rng.normal(size=(count, C, H, W)).astype(np.float32))
    masks = torch.zeros(anomalous, 1, 4 * H, 4 * W)
    masks[0, 0, :8, :6] = 1  # covers four cells and half of two
    masks[-1, 0, 0, -1] = 1
    return features, Batch(torch.zeros(count, 3, 8, 8), masks, anchor, shots, healthy)


def _slow(features, batch, params):
    """d_pull and d_push by loops over images and positions."""
    f = features.double().numpy()
    if params.distance == "nearest_shots":
        bank = [f[s, :, i, j] for s in range(batch.shots) for i in range(H) for j in range(W)]
    else:
        bank = [f[batch.anchor, :, i, j] for i in range(H) for j in range(W)]

    def length(difference):
        squares = (difference**2).sum() if params.normalise else (difference**2).mean()
        return squares if params.squared else math.sqrt(squares)

    def of_image(n, where):
        if not where:
            return []
        if params.distance == "global":
            mean = np.mean([f[n, :, i, j] for i, j in where], axis=0)
            return [length(mean - np.mean(bank, axis=0))]
        if params.distance == "aligned":
            values = [length(f[n, :, i, j] - f[batch.anchor, :, i, j]) for i, j in where]
        else:
            values = [min(length(f[n, :, i, j] - b) for b in bank) for i, j in where]
        return [np.mean(values)]

    pull, push = [], []
    everywhere = list(np.ndindex(H, W))
    for n in range(batch.shots, batch.shots + batch.healthy):
        pull += of_image(n, everywhere)
    for m in range(len(batch.masks)):
        n = batch.shots + batch.healthy + m
        cover = batch.masks[m, 0].double().numpy().reshape(H, 4, W, 4).mean((1, 3))
        lesion = [p for p in everywhere if params.push == "all" or cover[p] > params.coverage]
        push += of_image(n, lesion)
        if params.pull_background:
            pull += of_image(n, [p for p in everywhere if cover[p] == 0])
    return np.mean(pull), np.mean(push) if push else 0.0


@settings(max_examples=60, deadline=None)
@given(
    distance=st.sampled_from(["aligned", "nearest", "nearest_shots", "global"]),
    squared=st.booleans(),
    normalise=st.booleans(),
    where=st.sampled_from([("mask", False), ("mask", True), ("all", False)]),
    shots=st.integers(1, 3),
    seed=st.integers(0, 20),
)
def test_distances_equal_loops(gentle_params, distance, squared, normalise, where, shots, seed):
    push, background = where
    params = ConsultParams.of(
        gentle_params
        | {"distance": distance, "squared": squared, "normalise": normalise}
        | {"push": push, "pull_background": background}
    )
    features, batch = _batch(shots=shots, anchor=seed % shots, seed=seed)
    ours = [d.item() for d in distances(features, batch, params)]
    assert ours == pytest.approx(_slow(features, batch, params), rel=1e-4)


def test_only_cells_covered_more_than_coverage_are_pushed(gentle):
    features, batch = _batch()
    features.requires_grad_()
    distances(features, batch, ConsultParams.of(gentle))[1].backward()
    pushed = features.grad[3:].abs().sum(1) > 0
    assert pushed[0].tolist() == [[True, True, False, False]] * 2 + [[False] * 4]
    assert not pushed[1].any()


def test_loss_is_the_weighted_sum_of_equation_7(gentle):
    params = ConsultParams.of(gentle)
    features, batch = _batch()
    weighted, logged = terms(features, batch, params, 1.0, torch.Generator())
    pull, push = _slow(features, batch, params)
    f = features.double()
    assert weighted["contrast"].item() == pytest.approx(math.tanh((pull - push / 2) / 2), rel=1e-4)
    patches = f[0].flatten(1).T
    pairs = torch.cdist(patches, patches).sum() / (len(patches) * (len(patches) - 1))
    assert weighted["similarity"].item() == pytest.approx(0.01 * pairs.item(), rel=1e-4)
    koleo = -f.mean((2, 3)).norm(dim=1).log().mean()
    assert weighted["koleo"].item() == pytest.approx(0.01 * koleo.item(), rel=1e-4)
    assert logged["d_pull"] == pytest.approx(pull, rel=1e-4)
    assert logged["d_push"] == pytest.approx(push, rel=1e-4)
    spread = (patches - patches.mean(0)).norm(dim=1).square().mean().sqrt()
    assert logged["spread"] == pytest.approx(spread.item(), rel=1e-4)
    assert logged["length"] == pytest.approx(patches.norm(dim=1).mean().item(), rel=1e-4)


@pytest.mark.parametrize(
    ("change", "name", "expected"),
    [
        ({"contrast": "anchor"}, "contrast", lambda f, a, b: max(0.0, a - b + 1)),
        (
            {"similarity": "squared"},
            "similarity",
            lambda f, a, b: 0.01 * torch.pdist(f[0].flatten(1).T).square().mean().item(),
        ),
        (
            {"koleo_on": "anchor_patches"},
            "koleo",
            lambda f, a, b: -0.01 * f[0].norm(dim=0).log().mean().item(),
        ),
        (
            {"koleo": "nearest"},
            "koleo",
            lambda f, a, b: -0.01 * _nearest_distances(f.mean((2, 3))).log().mean().item(),
        ),
    ],
)
def test_other_readings_of_the_terms(gentle, change, name, expected):
    params = ConsultParams.of(gentle | change)
    features, batch = _batch()
    weighted, _ = terms(features, batch, params, 1.0, torch.Generator())
    value = expected(features.double(), *_slow(features, batch, params))
    assert weighted[name].item() == pytest.approx(value, rel=1e-4)


def _nearest_distances(features):
    units = features / features.norm(dim=1, keepdim=True)
    return torch.cdist(units, units).fill_diagonal_(math.inf).amin(1)


def test_initial_scale_makes_d_push_one_and_keeps_the_ratio(gentle):
    params = ConsultParams.of(gentle | {"distance_scale": "initial"})
    features, batch = _batch()
    pull, push = _slow(features, batch, params)
    scale = initial_scale(features, batch, params)
    _, logged = terms(features, batch, params, scale, torch.Generator())
    assert logged["d_push"] == pytest.approx(1)
    assert logged["d_pull"] == pytest.approx(pull / push, rel=1e-4)


def test_initial_scale_needs_a_lesion(gentle):
    features, batch = _batch()
    batch.masks.zero_()
    with pytest.raises(MedadError, match="d_push is 0 at the first step"):
        initial_scale(features, batch, ConsultParams.of(gentle))
