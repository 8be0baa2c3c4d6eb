"""The part of a study's README that is written after the test has been scored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from medad.selection.judgement import prediction, regret
from medad.selection.protocol import Protocol
from medad.selection.summary import decision, lines
from medad.selection.text import table


def section(
    protocol: Protocol, studies: Sequence[Mapping[str, Any]], test: Mapping[str, Any]
) -> list[str]:
    """Paragraphs: all candidates on the test images, and what healthy shots had said of them.

    ``test``: see ``medad.selection.judgement.read_test``; ``calls``: how often one was added.
    """
    # Files hold candidates in the order of their names, S2 has them in the protocol's.
    results = {name: test["results"][name] for name in protocol.candidates}
    draws = ", ".join(str(draw) for draw in test["draws"])
    told, calls = _told(protocol, studies), test["calls"]
    rows = [
        _row(name, results[name], [values[index] for values in told.values()])
        for index, name in enumerate(results)
    ]
    measured = [one["auroc"] for one in results.values()]
    notes = []
    for source, values in told.items():
        found = prediction(values, measured)
        notes.append(
            f"- Rank correlation of S2 ({source}) and test over {len(rows)} candidates: "
            f"{found.correlation:+.2f} [{found.low:+.2f}, {found.high:+.2f}]."
        )
    for role, among in _choices(protocol):
        chosen = decision(protocol, studies, among).chosen
        best, lost = regret({name: results[name] for name in among}, chosen)
        notes.append(
            f"- Regret of `{chosen}`, {role}: {lost:.3f} against `{best}`. The best of several "
            "noisy values is too high, so this is biased upwards."
        )
    notes.append(
        "- Candidates share images, trainings and banks, so the intervals of the correlations are "
        "too narrow."
    )
    return [
        "## The test, scored once" if calls == 1 else f"## The test, added {calls} times",
        f"AUROC at K = {protocol.shots} on {test['dataset']}, split grouped: mean and sd over "
        f"draws {draws} of the tables, and the paired gain over the first candidate with its 95 % "
        "interval, each as if it were alone. The decision above was made before.",
        table(["candidate", *(f"S2 {name}" for name in told), "test", "sd", "gain", "95 %"], rows),
        "\n".join(notes),
    ]


def _told(protocol: Protocol, studies: Sequence[Mapping[str, Any]]) -> dict[str, list[float]]:
    """S2 of every candidate by source, and the mean of several sources, which decides."""
    found = {
        study["source"]: [float(np.mean(one.s2)) for one in lines(protocol, study).values()]
        for study in studies
    }
    if len(found) > 1:
        found["all"] = [float(value) for value in np.mean(list(found.values()), axis=0)]
    return found


def _choices(protocol: Protocol) -> list[tuple[str, list[str]]]:
    """What was chosen, and among which candidates."""
    names, published = list(protocol.candidates), protocol.published()
    if len(published) in (1, len(names)):
        return [("the choice", names)]
    return [
        ("chosen among all", names),
        ("chosen among those with the published stage 2", published),
    ]


def _row(name: str, one: Mapping[str, float], told: Sequence[float]) -> list[str]:
    gap = f"{one['vs_baseline']:+.3f}" if "vs_baseline" in one else ""
    interval = f"[{one['vs_low']:+.3f}, {one['vs_high']:+.3f}]" if "vs_low" in one else ""
    return [
        f"`{name}`",
        *(f"{value:.3f}" for value in told),
        f"{one['auroc']:.3f}",
        f"{one['sd']:.3f}" if "sd" in one else "",
        gap,
        interval,
    ]
