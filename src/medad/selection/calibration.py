"""The contrast at which the unadapted backbone finds a family neither always nor never."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from medad.selection.protocol import Protocol
from medad.selection.study import Report, run
from medad.selection.summary import line

TARGET = (0.65, 0.85)
"""S2 of the unadapted backbone at a fair contrast."""


def sweep(
    root: Path,
    protocol: Protocol,
    source: str,
    overrides: Mapping[str, Any],
    factors: Sequence[float],
    jobs: int,
    report: Report,
) -> list[dict[str, float]]:
    """S2 by family of the first candidate, and of no other, at multiples of the contrasts.

    Rows have ``factor``, and for every family its contrast and S2, a mean over draws.
    """
    first = next(iter(protocol.candidates))
    chosen = protocol.sources[source]
    rows = []
    for factor in factors:
        used = {name: value * factor for name, value in chosen.contrast.used().items()}
        contrast = chosen.contrast.model_copy(update=used)
        alone = protocol.model_copy(
            update={
                "candidates": {first: protocol.candidates[first]},
                "sources": {source: chosen.model_copy(update={"contrast": contrast})},
            }
        )
        found = line(run(root, alone, source, overrides, jobs, report)["results"][first])
        row = {"factor": factor}
        for family, draws in found.families.items():
            row[f"{family} contrast"] = used[family]
            row[f"{family} S2"] = sum(draws) / len(draws)
        rows.append(row)
    return rows
