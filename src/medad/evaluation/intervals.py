"""Intervals of AUROCs and of paired differences: a crossed bootstrap over images and draws.

Images are resampled by leakage group within class, and draws (replicates) independently of them:
the pigeonhole bootstrap (Owen, 2007), whose variance covers both sources and is if anything too
wide. One resample serves all methods, shot counts and draws, which makes every difference paired.
The shots of a draw and the members of their leakage groups weigh 0 in that draw: a detector has
seen them. Only the AUROC of all test images, which stands beside the paper's, is with them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medad.errors import MedadError
from medad.evaluation.auroc import auroc, resampled_auroc
from medad.evaluation.resampling import Population, population, resample, resample_units
from medad.evaluation.scores import Scores
from medad.shot_counts import label

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Run:
    """Test images of one (method, K, replicate) and the leakage groups of that draw's shots."""

    test: Scores
    shot_groups: Set[int]


Runs = Mapping[tuple[str, int, int], Run]  # (method, K, replicate)


@dataclass(frozen=True)
class Bootstrap:
    """AUROCs of M methods, S shot counts, R draws, B resamples; higher is better, in [0, 1].

    ``plain`` (M, S, R): all test images of a run. ``clean`` (M, S, R): without the copies of the
    draw's own shots. ``crossed`` (M, S, B): mean over draws of the clean one, with groups and draws
    resampled; ``crossed_plain`` (M, S, B): of the plain one. ``by_groups`` (M, S, B): clean, groups
    only. ``by_draws`` (M, S, B): clean, draws only. Resamples that leave a shot count without any
    image of a class are dropped.
    """

    methods: tuple[str, ...]
    shots: tuple[int, ...]
    plain: Array
    clean: Array
    crossed: Array
    crossed_plain: Array
    by_groups: Array
    by_draws: Array
    people: Population


@dataclass(frozen=True)
class Estimate:
    """A value, its percentile interval, and its standard error in all and by source.

    ``se_groups`` has the draws fixed and ``se_draws`` the images; both belong to the mean over
    draws, so they compare with each other and with ``se``.
    """

    value: float
    low: float
    high: float
    se: float
    se_groups: float
    se_draws: float


def bootstrap(runs: Runs, resamples: int, rng: np.random.Generator) -> Bootstrap:
    """All resampled AUROCs of a full grid of runs; the same ``rng`` state gives the same bytes.

    Raises MedadError when a run of the grid is missing, when two methods scored different images
    in the same draw, or when a draw has no test image of a class left.
    """
    methods, shots, draws = _grid(runs)
    people = population(run.test for run in runs.values())
    counts = resample_units(people, resamples, rng)
    drawn = resample(len(draws), resamples, rng)

    shape = (len(methods), len(shots), len(draws))
    plain, clean, values = np.empty(shape), np.empty(shape), np.empty((*shape, resamples))
    copied = np.empty((*shape, resamples))
    for k, shot in enumerate(shots):
        for r, draw in enumerate(draws):
            reference = runs[methods[0], shot, draw]
            units = np.array([people.unit[path] for path in reference.test.path.tolist()])
            kept = ~np.isin(reference.test.group, list(reference.shot_groups))
            every = counts[units]
            weights = np.where(kept[:, None], every, 0.0)
            for m, method in enumerate(methods):
                scores = _scores_like(
                    reference, runs[method, shot, draw], f"{label(shot)}, r{draw}"
                )
                labels = reference.test.label
                plain[m, k, r] = auroc(labels, scores)
                clean[m, k, r] = auroc(labels, scores, kept)
                values[m, k, r] = resampled_auroc(labels, scores, weights)
                copied[m, k, r] = (
                    values[m, k, r] if kept.all() else resampled_auroc(labels, scores, every)
                )

    # A draw without a class in some resample counts for nothing there; methods share images, so
    # the first one tells.
    usable = ((np.isfinite(values[0]) * drawn).sum(axis=1) > 0).all(axis=0)
    if 2 * int(usable.sum()) < resamples:
        raise MedadError(
            f"intervals: only {int(usable.sum())} of {resamples} resamples keep images of both "
            f"classes; {people.healthy_units} healthy and {people.anomalous_units} anomalous "
            "leakage groups are too few: use a larger test set or fewer shots"
        )
    values, copied, drawn = values[..., usable], copied[..., usable], drawn[:, usable]
    return Bootstrap(
        methods=methods,
        shots=shots,
        plain=plain,
        clean=clean,
        crossed=_over_draws(values, drawn),
        crossed_plain=_over_draws(copied, drawn),
        by_groups=_over_draws(values, np.ones_like(drawn)),
        by_draws=clean @ drawn / len(draws),
        people=people,
    )


def _over_draws(values: Array, times: Array) -> Array:
    """(M, S, B): mean of (M, S, R, B) over draws, each as often as ``times`` (R, B) says, but those
    without a value."""
    valid = np.isfinite(values[0])
    mass = valid * times
    mean: Array = (np.where(valid, values, 0.0) * mass).sum(axis=2) / mass.sum(axis=1)
    return mean


def _grid(runs: Runs) -> tuple[tuple[str, ...], tuple[int, ...], tuple[int, ...]]:
    """Methods in order of appearance, shot counts and draws ascending; every run must be there."""
    methods = tuple(dict.fromkeys(method for method, _, _ in runs))
    shots = tuple(sorted({shot for _, shot, _ in runs}))
    draws = tuple(sorted({draw for _, _, draw in runs}))
    missing = [
        f"{method} {label(shot)}, r{draw}"
        for method in methods
        for shot in shots
        for draw in draws
        if (method, shot, draw) not in runs
    ]
    if missing or not runs:
        raise MedadError(f"intervals need every run; missing: {', '.join(missing[:5]) or 'all'}")
    return methods, shots, draws


def _scores_like(reference: Run, run: Run, name: str) -> Array:
    """Scores of ``run`` in the image order of ``reference``."""
    order, target = np.argsort(run.test.path), np.argsort(reference.test.path)
    if not np.array_equal(run.test.path[order], reference.test.path[target]):
        raise MedadError(
            f"intervals: two methods scored different test images at {name}; "
            "differences are paired, so score both from the same split"
        )
    scores = np.empty(len(order))
    scores[target] = run.test.score[order]
    return scores


def estimate(
    clean: Array, crossed: Array, by_groups: Array, by_draws: Array, confidence: float
) -> Estimate:
    """Mean over draws of ``clean`` (R,) with the percentile interval of ``crossed`` (B,)."""
    low, high, se = interval(crossed, confidence)
    return Estimate(
        value=float(clean.mean()),
        low=low,
        high=high,
        se=se,
        se_groups=float(by_groups.std()),
        se_draws=float(by_draws.std()),
    )


def interval(resampled: Array, confidence: float) -> tuple[float, float, float]:
    """Percentile interval of resamples (B,), low and high, and their standard error."""
    tail = (1.0 - confidence) / 2.0
    low, high = np.quantile(resampled, [tail, 1.0 - tail])
    return float(low), float(high), float(resampled.std())


def simultaneous(values: Sequence[float], resampled: Array, confidence: float) -> Array:
    """Intervals (S, 2) that hold for all S values together: max-|t| bootstrap.

    The critical value is the ``confidence`` quantile over resamples (S, B) of the largest
    |deviation| / se among the S (Romano and Wolf, 2005); a value that never varies has se 0 and
    the interval of one point.
    """
    centre = np.asarray(values, np.float64)
    se = resampled.std(axis=1)
    deviation = np.abs(resampled - centre[:, None])
    t = np.divide(deviation, se[:, None], out=np.zeros_like(deviation), where=se[:, None] > 0)
    reach = np.quantile(t.max(axis=0), confidence) * se
    return np.stack([centre - reach, centre + reach], axis=1)
