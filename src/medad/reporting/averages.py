"""The mean over data sets, which ADFA claims to lead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import NormalDist, fmean
from typing import Any

from medad.reporting.cells import ALL, Cell, Layout
from medad.reporting.text import header, line, plain, signed
from medad.shot_counts import column, parse, text


def section(
    layout: Layout, cells: Sequence[Cell], intervals: Mapping[str, Mapping[str, Any]]
) -> list[str]:
    """Markdown lines: of every method its mean over the data sets of the table, and the paper's.

    Data sets are independent of each other, so the standard error of the mean is the root of the
    sum of theirs squared over their number, and the interval is normal. The paper's mean is over
    the same data sets, as far as it has them all; where a cell of ours is not comparable, there is
    no difference. No lines without ``layout.average`` or of one data set.
    """
    if not layout.average or len(layout.datasets) < 2:
        return []
    names = ", ".join(layout.datasets)
    about = f"Of {names}; the paper's of the same."
    lines = ["## Mean over data sets", "", about, ""]
    for split in layout.splits:
        shots = [text(k) for k in layout.shots]
        lines += header(f"split {split}", [f"{column(k)}{part}" for k in shots for part in PARTS])
        for method in layout.methods:
            row = [c for c in cells if (c.method, c.split) == (method, split) and c.shots != ALL]
            values = []
            for k in shots:
                chosen = [cell for cell in row if cell.shots == k]
                values += _mean(layout, chosen, intervals, k)
            lines.append(line(f"**{layout.row_of(method).label}**", values))
        lines.append("")
    return lines


PARTS = ("", ", paper", ", difference")


def _mean(
    layout: Layout, cells: Sequence[Cell], intervals: Mapping[str, Mapping[str, Any]], k: str
) -> list[str]:
    ours = fmean(cell.auroc for cell in cells)
    levels = [intervals[cell.intervals]["levels"][cell.method][k] for cell in cells]
    confidence = float(intervals[cells[0].intervals]["confidence"])
    error = sum(float(level["auroc_se"]) ** 2 for level in levels) ** 0.5 / len(levels)
    reach = NormalDist().inv_cdf((1 + confidence) / 2) * error
    own = f"{plain(ours)} [{plain(max(ours - reach, 0.0))}, {plain(min(ours + reach, 1.0))}]"
    row = layout.row_of(cells[0].method)
    printed = [row.printed(cell.dataset).get(parse(k)) for cell in cells]
    if not row.certain or any(values is None for values in printed):
        return [own, "", ""]
    paper = fmean(fmean(values) for values in printed if values)
    comparable = all(cell.comparison.verdict != "not comparable" for cell in cells)
    return [own, plain(paper), signed(ours - paper) if comparable else ""]
