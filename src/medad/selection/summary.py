"""From the scores of a source to S1, S2 and guards of every candidate, and to the decision."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from medad.selection.protocol import Guards, Protocol
from medad.selection.rule import Decision, decide
from medad.selection.statistics import s1, s2
from medad.selection.trial import LOGGED


@dataclass(frozen=True)
class Line:
    """One candidate on one source; lists of S1 and S2 have one value a draw, others one a bank.

    ``s1``, ``s2`` and ``s2_min``: mean, mean and minimum over families. ``families``: family -> S2.
    ``logged``: S1 on the family of the training. ``norm``, ``rank``, ``cosine``: see
    ``medad.selection.statistics.movement``. ``trained``: number of parameters.
    """

    s1: list[float]
    s2: list[float]
    s2_min: list[float]
    families: dict[str, list[float]]
    logged: list[float]
    norm: list[float]
    rank: list[float]
    cosine: list[float]
    trained: int


def line(results: Sequence[Mapping[str, Any]], draws: Sequence[int] | None = None) -> Line:
    """Of the results of one candidate, bank by bank. Raw scores of banks are never pooled.

    ``draws``: number of the draw of every bank, by default each its own; S1 and S2 of the banks
    of one draw are averaged.
    """
    gate, rank = [], []
    numbers = list(range(len(results))) if draws is None else list(draws)

    def by_draw(values: Sequence[float]) -> list[float]:
        pairs = list(zip(numbers, values, strict=True))
        return [
            float(np.mean([value for number, value in pairs if number == draw]))
            for draw in dict.fromkeys(numbers)
        ]

    for result in results:
        healthy = np.array(result["healthy"])
        scores = {name: np.array(rows) for name, rows in result["positives"].items()}
        gate.append({name: s1(rows, healthy) for name, rows in scores.items()})
        rank.append({name: s2(rows, healthy) for name, rows in scores.items()})
    families = [name for name in rank[0] if name != LOGGED]
    moved = [result["movement"] for result in results]
    return Line(
        s1=by_draw([float(np.mean([one[name] for name in families])) for one in gate]),
        s2=by_draw([float(np.mean([one[name] for name in families])) for one in rank]),
        s2_min=by_draw([min(one[name] for name in families) for one in rank]),
        families={name: by_draw([one[name] for one in rank]) for name in families},
        logged=[one[LOGGED] for one in gate],
        norm=[one["norm"] for one in moved],
        rank=[one["rank"] for one in moved],
        cosine=[one["cosine"] for one in moved],
        trained=int(results[0]["trained"]),
    )


def failed_guard(found: Line, first: Line, guards: Guards) -> str | None:
    """Why a candidate is rejected whatever its S2, or None; ``first``: the unadapted backbone."""
    if min(found.norm) < guards.norm:
        return f"feature norm fell to {min(found.norm):.2f} of step 0"
    if min(found.rank) < guards.rank:
        return f"effective rank fell to {min(found.rank):.2f} of step 0"
    if np.mean(found.s1) < guards.s1:
        return f"S1 is {np.mean(found.s1):.2f}"
    if min(found.logged) == 1 and np.mean(found.s1) < np.mean(first.s1):
        return "finds every lesion of its training and fewer of the other families"
    lost = float(np.mean(first.s2) - np.mean(found.s2))
    if guards.loss is not None and lost > guards.loss:
        return f"S2 is {lost:.3f} below the first candidate's"
    return None


def lines(protocol: Protocol, study: Mapping[str, Any]) -> dict[str, Line]:
    """Candidate -> line, of one source, in the order of the protocol."""
    draws = [draw["draw"] for draw in study["draws"]]
    return {name: line(study["results"][name], draws) for name in protocol.candidates}


def decision(
    protocol: Protocol, studies: Sequence[Mapping[str, Any]], among: Sequence[str] | None = None
) -> Decision:
    """The rule on the mean S2 of one or more sources, which weigh the same.

    A guard that fails on any source rejects. ``among``: only these candidates are there, in the
    order of the protocol, by default all.
    """
    found = {study["source"]: lines(protocol, study) for study in studies}
    names = list(protocol.candidates if among is None else among)
    rejected: dict[str, str] = {}
    for source, by_name in found.items():
        for name in names[1:]:
            why = failed_guard(by_name[name], by_name[names[0]], protocol.guards)
            if why is not None:
                rejected.setdefault(name, f"{source}: {why}")
    attention = {
        name
        for study in studies
        for name, params in study["candidates"].items()
        if params["attention"] != "none" and name in names
    }
    untrained = {
        name
        for study in studies
        for name, params in study["candidates"].items()
        if not _trains(params)
    }
    values = {
        name: {source: by_name[name].s2 for source, by_name in found.items()} for name in names
    }
    return decide(values, rejected, attention, untrained, protocol.resamples, protocol.seed)


def _trains(params: Mapping[str, Any]) -> bool:
    return bool(params["epochs"] > 0 and params["interpolate"] > 0)
