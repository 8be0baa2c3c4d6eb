"""The rule that turns validation scores into one reading."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from medad.selection.statistics import resampled_mean

Values = Mapping[str, Mapping[str, Sequence[float]]]
"""Candidate -> source -> criterion, one value a draw, higher is better."""


@dataclass(frozen=True)
class Difference:
    """Mean of a paired difference and its bootstrap standard error over draws."""

    mean: float
    error: float

    @property
    def clear(self) -> bool:
        """Whether it is more than one standard error above 0."""
        return self.mean > self.error


@dataclass(frozen=True)
class Decision:
    """``chosen``: the reading to ship. ``best``: the highest mean among those not rejected.

    ``gains``: of every candidate over the first. ``behind``: of ``best`` over every candidate.
    ``rejected``: candidate -> why. ``near``: candidates within one standard error of the best.
    """

    chosen: str
    best: str
    gains: Mapping[str, Difference]
    behind: Mapping[str, Difference]
    rejected: Mapping[str, str]
    near: tuple[str, ...]


def decide(
    values: Values,
    rejected: Mapping[str, str],
    with_attention: Collection[str],
    untrained: Collection[str],
    resamples: int,
    seed: int,
) -> Decision:
    """Of the candidates within one standard error of the best, the first in order of ``values``.

    The first candidate is the unadapted backbone and is never rejected; it is the one chosen unless
    the best is clear of it. Candidates ``with_attention`` are rejected unless the gain survives
    without: a candidate that trains, is not one of them and is not rejected must be clear of the
    first. ``untrained`` candidates, of another stage 2, say nothing of that. Differences are paired
    by draw; sources weigh the same.
    """
    names = list(values)
    first = names[0]

    def difference(one: str, other: str) -> Difference:
        paired = {
            source: [a - b for a, b in zip(draws, values[other][source], strict=True)]
            for source, draws in values[one].items()
        }
        return Difference(*resampled_mean(paired, resamples, seed))

    gains = {name: difference(name, first) for name in names}
    out = {name: why for name, why in rejected.items() if name != first}
    others = {*with_attention, *untrained, *out}
    plain = [name for name in names[1:] if name not in others]
    if not any(gains[name].clear for name in plain):
        for name in names[1:]:
            if name in with_attention:
                out.setdefault(name, "no gain without attention")
    eligible = [name for name in names if name not in out]
    best = max(eligible, key=lambda name: gains[name].mean)
    behind = {name: difference(best, name) for name in names}
    near = tuple(name for name in eligible if not behind[name].clear)
    return Decision(near[0], best, gains, behind, out, near)
