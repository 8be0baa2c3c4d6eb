"""AUROC against scikit-learn and against its own definition."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.metrics import roc_auc_score

from medad.errors import MedadError
from medad.evaluation.auroc import auroc, group_weights, resampled_auroc, updated_auroc


@st.composite
def labelled(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Labels of both classes and scores with many ties."""
    size = draw(st.integers(2, 40))
    labels = draw(hnp.arrays(np.int64, size, elements=st.integers(0, 1)))
    labels[:2] = [0, 1]
    scores = draw(hnp.arrays(np.int64, size, elements=st.integers(-3, 3)))
    return labels, scores / 7.0


@given(labelled())
def test_equals_scikit_learn_with_ties(case: tuple[np.ndarray, np.ndarray]) -> None:
    labels, scores = case
    assert auroc(labels, scores) == pytest.approx(roc_auc_score(labels, scores), abs=1e-12)


@given(labelled(), st.integers(0, 2**32 - 1))
def test_weights_equal_scikit_learn(case: tuple[np.ndarray, np.ndarray], seed: int) -> None:
    labels, scores = case
    weights = np.random.default_rng(seed).uniform(0.1, 2.0, len(labels))
    expected = roc_auc_score(labels, scores, sample_weight=weights)
    assert auroc(labels, scores, weights) == pytest.approx(expected, abs=1e-12)


@given(labelled())
def test_negation_complements_and_monotone_maps_change_nothing(
    case: tuple[np.ndarray, np.ndarray],
) -> None:
    labels, scores = case
    value = auroc(labels, scores)
    assert auroc(labels, -scores) == pytest.approx(1.0 - value, abs=1e-12)
    assert auroc(1 - labels, scores) == pytest.approx(1.0 - value, abs=1e-12)
    assert auroc(labels, np.exp(scores) * 5 - 2) == value


@given(labelled(), st.integers(0, 2**32 - 1))
def test_whole_weights_repeat_images_and_order_is_free(
    case: tuple[np.ndarray, np.ndarray], seed: int
) -> None:
    labels, scores = case
    rng = np.random.default_rng(seed)
    counts = rng.integers(1, 4, len(labels))
    repeated = auroc(np.repeat(labels, counts), np.repeat(scores, counts))
    order = rng.permutation(len(labels))
    assert auroc(labels[order], scores[order], counts[order]) == repeated


def test_hand_counted() -> None:
    # Pairs (3 > 1), (3 > 2), (2 > 1), (2 = 2): 3.5 of 4.
    assert auroc([1, 1, 0, 0], [3.0, 2.0, 1.0, 2.0]) == 0.875
    assert auroc([0, 1], [0.1, 0.2]) == 1.0


def test_close_scores_are_not_binned() -> None:
    low = 1.0
    assert auroc([0, 1], [low, np.nextafter(low, 2.0)]) == 1.0


def test_resampled_columns_equal_single_calls_and_empty_classes_are_nan() -> None:
    rng = np.random.default_rng(0)
    labels = np.array([0, 0, 0, 1, 1])
    scores = rng.integers(0, 3, 5).astype(float)
    weights = rng.integers(1, 4, (5, 6)).astype(float)
    weights[:3, 5] = 0.0
    found = resampled_auroc(labels, scores, weights)
    expected = [auroc(labels, scores, weights[:, column]) for column in range(5)]
    assert found[:5].tolist() == expected
    assert np.isnan(found[5])


def test_group_weights_give_every_group_of_a_class_one() -> None:
    labels, groups = np.array([0, 0, 0, 1, 1]), np.array([7, 7, 8, 7, 9])
    weights = group_weights(labels, groups)
    assert weights.tolist() == [0.5, 0.5, 1.0, 1.0, 1.0]
    scores = np.array([0.9, 0.9, 0.1, 0.5, 0.5])
    assert auroc(labels, scores, weights) == pytest.approx(0.5)
    assert auroc(labels, scores) == pytest.approx(1 / 3)


@pytest.mark.parametrize(
    ("labels", "scores", "message"),
    [
        ([1, 1], [0.0, 1.0], "both classes"),
        ([0, 0], [0.0, 1.0], "both classes"),
        ([0, 1], [0.0, np.nan], "NaN"),
        ([0, 1, 1], [0.0, 1.0], "3 labels for 2 scores"),
        ([0, 2], [0.0, 1.0], "labels are 0"),
    ],
)
def test_refuses(labels: list[int], scores: list[float], message: str) -> None:
    with pytest.raises(MedadError, match=message):
        auroc(labels, scores)


@pytest.mark.parametrize(
    ("weights", "message"),
    [([0.0, 1.0], "all zero"), ([-1.0, 1.0], "not negative"), ([1.0], r"weights \(1, 1\)")],
)
def test_refuses_weights(weights: list[float], message: str) -> None:
    with pytest.raises(MedadError, match=message):
        auroc([0, 1], [0.0, 1.0], weights)


@given(labelled(), st.integers(1, 50), st.floats(0.1, 100))
def test_updates_are_squashed_one_by_one(
    case: tuple[np.ndarray, np.ndarray], batch: int, scale: float
) -> None:
    """As torchmetrics does it: torch's sigmoid, of every update with a score outside [0, 1]."""
    labels, scores = case
    values = torch.from_numpy(np.abs(scores) * scale).float()
    parts = [
        part.sigmoid() if bool(((part < 0) | (part > 1)).any()) else part
        for part in values.split(batch)
    ]
    expected = roc_auc_score(labels, torch.cat(parts).numpy())
    found = updated_auroc(labels, values.numpy(), batch)
    assert found == pytest.approx(expected, abs=1e-12)


def test_large_scores_become_equal_and_small_updates_keep_their_scale() -> None:
    labels = np.array([0, 0, 1, 1])
    assert updated_auroc(labels, np.array([20.0, 30.0, 40.0, 50.0]), 4) == 0.5
    # Healthy .97 and .99 stay as they are; 1.2 and 3 become .77 and .95.
    scores = np.array([0.97, 0.99, 1.2, 3.0])
    assert auroc(labels, scores) == 1.0
    assert updated_auroc(labels, scores, 2) == 0.0
