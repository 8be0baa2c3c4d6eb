"""Image AUROC against the number of shots, ours with intervals and the paper's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.lines import Line2D

from medad.files import read_json
from medad.reporting.figure import MARKERS, PALETTE, Page, style
from medad.reporting.published import Row, parse_rows
from medad.shot_counts import text
from medad.task import Task

SPREAD = 0.34  # over which the methods at one K are set side by side, in steps of K


@dataclass(frozen=True)
class Line:
    """One method: K -> (value, low, high), AUROCs in [0, 1], and K -> every value in print."""

    label: str
    ours: dict[int, tuple[float, float, float]]
    paper: dict[int, tuple[float, ...]]


def lines(
    intervals: Mapping[str, Any],
    rows: Sequence[Row],
    methods: Sequence[str],
    shots: Sequence[int],
    dataset: str,
) -> list[Line]:
    """Of the content of an intervals file and the rows of its table, in the order of ``methods``.

    Values are means over draws without copies of a draw's own shots: what the intervals are of.
    Print that the paper does not attribute to the row is left out.
    """
    found = []
    for method in methods:
        row = next(row for row in rows if row.method == method)
        levels = intervals["levels"][method]
        ours = {
            k: (levels[text(k)]["value"], levels[text(k)]["low"], levels[text(k)]["high"])
            for k in shots
        }
        paper = row.printed(dataset)
        printed = {k: paper[k] for k in shots if row.certain and k in paper}
        found.append(Line(row.label, ours, printed))
    return found


def draw(task: Task) -> bytes:
    """PNG of the methods of one table."""
    params = task.params
    intervals = read_json(task.inputs["intervals"])
    dataset, split = str(task.identity["dataset"]), str(task.identity["split"])
    rows = parse_rows(params["rows"])
    found = lines(intervals, rows, params["methods"], params["shots"], dataset)
    note = (
        f"Mean over {intervals['draws']} draws; bars: {intervals['confidence']:.0%} interval, "
        "leakage groups and draws resampled together.\nOpen: the paper"
    )
    same = params["paper_dataset"] in (None, dataset)
    note += "." if same else f", whose images are {params['paper_dataset']} and not these."
    return render(f"{params['title']}: {dataset}, split {split}", note, found)


def render(title: str, note: str, found: Sequence[Line]) -> bytes:
    """PNG bytes. Methods at one K stand side by side, so that none hides another."""
    shots = sorted({k for line in found for k in line.ours})
    with style():
        page = Page(7.4, 4.2, title, note)
        axis = page.axes(0.65, 0.5, 4.8, 2.95)
        for number, line in enumerate(found):
            colour, marker = PALETTE[number % len(PALETTE)], MARKERS[number % len(MARKERS)]
            shift = SPREAD * (number / max(1, len(found) - 1) - 0.5)
            at = [shots.index(k) + shift for k in line.ours]
            values = [value for value, _, _ in line.ours.values()]
            below = [value - low for value, low, _ in line.ours.values()]
            above = [high - value for value, _, high in line.ours.values()]
            axis.errorbar(
                at,
                values,
                (below, above),
                color=colour,
                marker=marker,
                ms=4,
                lw=1.2,
                elinewidth=1,
                capsize=2,
            )
            for k, printed in line.paper.items():
                axis.plot(
                    [shots.index(k) + shift] * len(printed),
                    printed,
                    marker,
                    color=colour,
                    mfc="none",
                    ms=6,
                    zorder=3,
                )
        axis.axhline(0.5, color="#999999", lw=0.8, ls=":")
        axis.set(
            xlabel="K, healthy images that the method learns from",
            ylabel="image AUROC (0.5 is chance)",
            xticks=range(len(shots)),
        )
        axis.set_xticklabels([text(k) for k in shots])
        axis.grid(axis="y")
        keys = [
            Line2D([], [], color=PALETTE[n % len(PALETTE)], marker=MARKERS[n % len(MARKERS)], ms=4)
            for n in range(len(found))
        ]
        labels = [line.label for line in found]
        if any(line.paper for line in found):
            keys.append(Line2D([], [], color="#555555", ls="", marker="o", mfc="none", ms=6))
            labels.append("as printed in the paper")
        axis.legend(keys, labels, loc="upper left", bbox_to_anchor=(1.02, 1.0))
        return page.png()
