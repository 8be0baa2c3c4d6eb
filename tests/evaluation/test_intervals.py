"""The crossed bootstrap against a loop over resamples, and its statistical behaviour."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from medad.errors import MedadError
from medad.evaluation.auroc import auroc
from medad.evaluation.intervals import Run, bootstrap, estimate, simultaneous
from medad.evaluation.resampling import population, resample, resample_units

Cohort = Callable[..., dict[tuple[str, int, int], Run]]


@pytest.mark.parametrize("copies", [False, True])
@pytest.mark.parametrize("paper", [False, True])
def test_equals_a_loop_over_resamples(paper: bool, copies: bool, cohort: Cohort) -> None:
    runs = cohort(3, paper=paper)
    resamples = 25
    found = bootstrap(runs, resamples, np.random.default_rng(9))

    rng = np.random.default_rng(9)
    people = population(run.test for run in runs.values())
    counts, drawn = resample_units(people, resamples, rng), resample(3, resamples, rng)
    for b in range(resamples):
        for m, method in enumerate(found.methods):
            for k, shot in enumerate(found.shots):
                total, mass = 0.0, 0.0
                for r in range(3):
                    run = runs[method, shot, r]
                    weights = [
                        0.0
                        if group in run.shot_groups and not copies
                        else counts[people.unit[path], b]
                        for path, group in zip(run.test.path, run.test.group, strict=True)
                    ]
                    healthy = sum(w for w, y in zip(weights, run.test.label, strict=True) if y == 0)
                    if healthy == 0:
                        continue  # such a draw says nothing in this resample
                    total += drawn[r, b] * roc_auc_score(
                        run.test.label, run.test.score, sample_weight=weights
                    )
                    mass += drawn[r, b]
                mean = (found.crossed_plain if copies else found.crossed)[m, k, b]
                assert mean == pytest.approx(total / mass, abs=1e-12)


def test_own_shots_and_their_copies_weigh_nothing(cohort: Cohort) -> None:
    runs = cohort(4, paper=True)
    found = bootstrap(runs, 10, np.random.default_rng(0))
    run = runs["consult", 4, 2]
    kept = ~np.isin(run.test.group, list(run.shot_groups))
    assert kept.sum() < len(run.test)
    expected = auroc(run.test.label[kept], run.test.score[kept])
    m, k = found.methods.index("consult"), found.shots.index(4)
    assert found.clean[m, k, 2] == pytest.approx(expected, abs=1e-12)
    assert found.plain[m, k, 2] == auroc(run.test.label, run.test.score)
    assert found.clean[m, k, 2] != found.plain[m, k, 2]
    assert (found.crossed != found.crossed_plain).any()


def test_the_same_generator_gives_the_same_bytes_and_another_does_not(cohort: Cohort) -> None:
    runs = cohort(1)
    first, second, third = (bootstrap(runs, 50, np.random.default_rng(s)) for s in (5, 5, 6))
    assert first.crossed.tobytes() == second.crossed.tobytes()
    assert first.crossed.tobytes() != third.crossed.tobytes()


def test_identical_methods_never_differ(cohort: Cohort) -> None:
    runs = cohort(2, methods=("patchcore",), paper=True)
    runs |= {("copy", k, r): run for (_, k, r), run in runs.items()}
    found = bootstrap(runs, 200, np.random.default_rng(0))
    gap = found.crossed[1] - found.crossed[0]
    assert not gap.any()
    whole = estimate(
        *(a[1, 0] - a[0, 0] for a in (found.clean, found.crossed)), gap[0], gap[0], 0.95
    )
    assert (whole.value, whole.low, whole.high, whole.se) == (0.0, 0.0, 0.0, 0.0)
    assert simultaneous([0.0, 0.0], gap, 0.95).tolist() == [[0.0, 0.0], [0.0, 0.0]]


def test_errors_split_by_source(cohort: Cohort) -> None:
    found = bootstrap(cohort(5, draws=6, healthy=40, anomalous=40), 800, np.random.default_rng(0))
    whole = estimate(
        found.clean[0, 0], found.crossed[0, 0], found.by_groups[0, 0], found.by_draws[0, 0], 0.95
    )
    # Draws alone: the standard deviation of a mean of R, exactly, up to resampling noise.
    assert whole.se_draws == pytest.approx(found.clean[0, 0].std() / np.sqrt(6), rel=0.1)
    assert whole.se > max(whole.se_groups, whole.se_draws)
    assert whole.low < whole.value < whole.high


def test_one_draw_has_no_spread_over_draws(cohort: Cohort) -> None:
    found = bootstrap(cohort(5, draws=1), 50, np.random.default_rng(0))
    assert found.by_draws.std(axis=-1).max() < 1e-12
    assert (found.crossed == found.by_groups).all()


def test_intervals_cover_the_truth(cohort: Cohort) -> None:
    # Scores N(0, 1.25) and N(1, 1.25): P(difference > 0) = Phi(1 / sqrt(2.5)).
    truth = 0.736455
    hits = []
    for seed in range(80):
        runs = cohort(seed, methods=("patchcore",), shots=(2,), healthy=60, anomalous=60)
        runs = {
            key: replace(
                run, test=replace(run.test, group=np.unique(run.test.path, return_inverse=True)[1])
            )
            for key, run in runs.items()
        }
        found = bootstrap(runs, 300, np.random.default_rng(seed))
        low, high = np.quantile(found.crossed[0, 0], [0.025, 0.975])
        hits.append(low <= truth <= high)
    assert np.mean(hits) > 0.88


def test_simultaneous_intervals_are_wider_than_single_ones_and_equal_for_one() -> None:
    rng = np.random.default_rng(0)
    resampled = rng.normal(size=(4, 4000)) * np.array([[1.0], [2.0], [3.0], [4.0]])
    together = simultaneous([0.0] * 4, resampled, 0.95)
    # 95 % quantile of the largest of four |N(0, 1)| is 2.491.
    np.testing.assert_allclose(together[:, 1], 2.491 * np.array([1, 2, 3, 4]), rtol=0.05)
    np.testing.assert_allclose(together[:, 0], -together[:, 1])
    alone = simultaneous([0.0], resampled[:1], 0.95)
    assert alone[0, 1] == pytest.approx(1.96, rel=0.05)


def test_refuses_gaps_and_mismatches(cohort: Cohort) -> None:
    runs = cohort(0)
    with pytest.raises(MedadError, match="missing: consult K = 4, r2"):
        bootstrap(
            {key: run for key, run in runs.items() if key != ("consult", 4, 2)},
            10,
            np.random.default_rng(0),
        )
    with pytest.raises(MedadError, match="missing: all"):
        bootstrap({}, 10, np.random.default_rng(0))
    run = runs["consult", 4, 2]
    short = replace(run, test=run.test.take(np.arange(len(run.test) - 1)))
    with pytest.raises(MedadError, match="different test images at K = 4, r2"):
        bootstrap({**runs, ("consult", 4, 2): short}, 10, np.random.default_rng(0))


def test_too_few_groups_say_so(cohort: Cohort) -> None:
    runs = cohort(0, methods=("patchcore",), shots=(2,), draws=1, healthy=6)
    runs = {key: replace(run, shot_groups=frozenset({0, 1})) for key, run in runs.items()}
    found = bootstrap(runs, 400, np.random.default_rng(0))
    # One of three healthy groups counts: a resample misses it with probability (2/3)**3.
    assert found.crossed.shape[-1] == pytest.approx(400 * (1 - (2 / 3) ** 3), rel=0.1)
    emptied = {key: replace(run, shot_groups=frozenset({0, 1, 2})) for key, run in runs.items()}
    with pytest.raises(MedadError, match="all zero"):
        bootstrap(emptied, 10, np.random.default_rng(0))
