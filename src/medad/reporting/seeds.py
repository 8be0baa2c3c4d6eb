"""How much of the spread of a method is its training seed, and how much the draw of shots."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from medad.errors import MedadError
from medad.reporting.cells import Layout, Metrics
from medad.reporting.text import header, line, plain
from medad.shot_counts import text


@dataclass(frozen=True)
class Spread:
    """Standard deviations of the AUROC: over training seeds within a draw, and over draws, freed
    of what the seeds add to the mean of their few runs (0 where they explain it all)."""

    seeds: float
    draws: float


def spread(values: npt.NDArray[np.float64]) -> Spread:
    """Variance components of ``values`` (shot counts, draws, seeds), pooled over shot counts.

    One-way analysis of variance with draws as groups. Raises MedadError unless there are two draws
    and two seeds.
    """
    _, draws, seeds = values.shape
    if draws < 2 or seeds < 2:
        raise MedadError(
            f"repeats: got {draws} draws and {seeds} seeds; allowed: two or more of each"
        )
    within = float(values.var(axis=2, ddof=1).mean())
    between = float(values.mean(axis=2).var(axis=1, ddof=1).mean())
    return Spread(float(np.sqrt(within)), float(np.sqrt(max(0.0, between - within / seeds))))


def section(layout: Layout, metrics: Metrics) -> list[str]:
    """Markdown lines on the methods that ``layout`` says are repeated; none where none are."""
    if not layout.repeats:
        return []
    lines = [
        "## Training seeds",
        "",
        "Standard deviation of the AUROC over seeds within a draw, and over draws without the part "
        "of the seeds, pooled over shot counts. A seed decides pairs and where gates start. Of two "
        "draws the latter is hardly known: it may be 0 by chance.",
        "",
    ]
    for dataset in layout.datasets:
        for split in layout.splits:
            lines += header(f"{dataset}, {split}", ["seeds", "draws", "sd of seeds", "sd of draws"])
            for method, others in layout.repeats.items():
                names = (method, *others)
                found = spread(_values(layout, metrics, f"{dataset}/{split}", names))
                counts = [str(len(names)), str(len(layout.draws))]
                row = [*counts, plain(found.seeds), plain(found.draws)]
                lines.append(line(f"**{layout.row_of(method).label}**", row))
            lines.append("")
    return lines


def _values(
    layout: Layout, metrics: Mapping[str, Mapping[str, Any]], place: str, names: Sequence[str]
) -> npt.NDArray[np.float64]:
    unknown = [name for name in names if name not in layout.methods]
    if unknown:
        raise MedadError(f"repeats: {', '.join(unknown)}: no method of the table's rows; add a row")
    return np.array(
        [
            [
                [
                    float(metrics[f"metrics/{place}/{name}/k{text(k)}/r{r}"]["auroc"])
                    for name in names
                ]
                for r in layout.draws
            ]
            for k in layout.shots
        ]
    )
