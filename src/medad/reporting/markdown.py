"""The table a person reads: every cell with its interval, the paper's below it, and the claim."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from medad.reporting import absent, averages, seeds
from medad.reporting.cells import ALL, Cell, Difference, Layout, Metrics
from medad.reporting.published import STANDINGS, either
from medad.reporting.table import copies_note
from medad.reporting.text import MINUS, Footnotes, header, line, plain, signed, span
from medad.shot_counts import column, label, text

ENOUGH_RESAMPLES, ENOUGH_DRAWS = 2000, 10
PRIMARY_SPLIT = "grouped"  # the only one that keeps copies of the shots out of the test images
EXPLORATORY = "exploratory"


def render(
    title: str,
    notes: Sequence[str],
    layout: Layout,
    cells: Sequence[Cell],
    metrics: Metrics,
    intervals: Mapping[str, Mapping[str, Any]],
    facts: Mapping[str, float],
) -> str:
    """Markdown of the whole table; cells as ``cells.build`` returns them.

    ``facts``: "<dataset>/<split>/<method>/k4" to the mean of the row's fact over draws.
    """
    footnotes = Footnotes()
    lines = [f"# {title}", ""]
    for dataset in layout.datasets:
        for split in layout.splits:
            chosen = [
                cell
                for cell in cells
                if (cell.dataset, cell.split) == (dataset, split)
                # Of one K the mean over K says nothing more.
                and not (cell.shots == ALL and len(layout.shots) == 1)
            ]
            found = intervals[f"intervals/{dataset}/{split}"]
            lines += [f"## {dataset}, split {split}", "", _sizes(chosen, metrics, found), ""]
            lines += _levels(layout, chosen, footnotes)
            lines += _claims(layout, chosen, found)
            lines += _beside(layout, chosen)
    lines += averages.section(layout, cells, intervals)
    lines += absent.section(layout)
    lines += _facts(layout, facts)
    lines += seeds.section(layout, metrics)
    lines += _unanswered(layout)
    lines += _how_to_read(layout, notes)
    lines += footnotes.lines()
    return "\n".join(lines).rstrip() + "\n"


def _sizes(cells: Sequence[Cell], metrics: Metrics, found: Mapping[str, Any]) -> str:
    runs = [metrics[name] for cell in cells for name in cell.metrics]
    healthy, anomalous, masks = (
        span([int(run[name]) for run in runs]) for name in ("n_healthy", "n_anomalous", "n_masks")
    )
    groups = found["groups"]
    return (
        f"Test: {healthy} healthy and {anomalous} anomalous images ({masks} with a lesion mask) "
        f"in {groups['healthy']} and {groups['anomalous']} leakage groups. "
        f"Draws: {_enough(found['draws'], ENOUGH_DRAWS)}. "
        f"Bootstrap resamples: {_enough(found['resamples'], ENOUGH_RESAMPLES)}."
    )


def _enough(count: int, least: int) -> str:
    return str(count) if count >= least else f"{count} (a headline table has {least} or more)"


def _levels(layout: Layout, cells: Sequence[Cell], footnotes: Footnotes) -> list[str]:
    lines = header("image AUROC", _columns(layout))
    for method in layout.methods:
        row = [cell for cell in cells if cell.method == method]
        values = [f"{_spread(cell)}{footnotes.mark([copies_note(cell)])}" for cell in row]
        standing = f"{row[0].standing}{footnotes.mark([row[0].because])}"
        lines.append(line(f"**{row[0].row}**, {standing}", values))
        if layout.row_of(method).printed(row[0].dataset):
            lines.append(line("paper", [_paper(cell, footnotes) for cell in row]))
    return [*lines, ""]


def _spread(cell: Cell) -> str:
    sd = "" if cell.sd is None else f" ± {plain(cell.sd)}"
    return f"{plain(cell.auroc)}{sd} [{plain(cell.low)}, {plain(cell.high)}]"


def _paper(cell: Cell, footnotes: Footnotes) -> str:
    if cell.shots == ALL:
        return ""
    comparison = cell.comparison
    value = f"{either(comparison.paper)}: " if comparison.paper else ""
    gap = "" if comparison.difference is None else f" ({signed(comparison.difference)})"
    return f"{value}{comparison.verdict}{gap}{footnotes.mark([comparison.reason])}"


def _claims(layout: Layout, cells: Sequence[Cell], found: Mapping[str, Any]) -> list[str]:
    baseline = layout.row_of(found["baseline"]).label
    percent = f"{100 * found['confidence']:g} %"
    rows = [[cell for cell in cells if cell.method == method] for method in layout.methods]
    compared = [row for row in rows if row[0].difference is not None]
    if not compared:
        return []
    alone = len(layout.shots) == 1
    lines = [f"Paired differences from {baseline}, on the same draws and images:", ""]
    lines += header(f"AUROC {MINUS} {baseline}", _columns(layout))
    for row in compared:
        lines.append(line(f"**{row[0].row}**", [_gap(cell.difference, alone) for cell in row]))
    lines.append("")
    lines += [f"- {_verdict(row, baseline, percent, layout.primary)}" for row in compared]
    return [*lines, ""]


def _gap(difference: Difference | None, alone: bool) -> str:
    """With the interval that holds for all K together, or where there is one K, its own."""
    if difference is None:
        return ""
    own = (difference.low, difference.high)
    low, high = own if alone else difference.together or own
    return f"{signed(difference.value)} [{signed(low)}, {signed(high)}]"


def _verdict(row: Sequence[Cell], baseline: str, percent: str, primary: str | None) -> str:
    """One sentence on the mean over K, one on the single K, of which the first is all where there
    is one K; signs as they are."""
    name, by_shots = row[0].row, {cell.shots: cell.difference for cell in row}
    single = None if ALL in by_shots else label(row[0].shots)
    overall = by_shots.pop(ALL if single is None else row[0].shots)
    assert overall is not None
    if overall.low > 0:
        finding = f"{name} is better than {baseline}"
    elif overall.high < 0:
        finding = f"{name} is worse than {baseline}"
    elif overall.value == overall.low == overall.high == 0:
        finding = "the two are the same on every image"
    else:
        finding = "the interval contains 0, so no difference is shown"
    better = [
        shots for shots, gap in by_shots.items() if gap and gap.together and gap.together[0] > 0
    ]
    worse = [
        shots for shots, gap in by_shots.items() if gap and gap.together and gap.together[1] < 0
    ]
    role = "the primary claim" if row[0].method == primary else EXPLORATORY
    if row[0].split != PRIMARY_SPLIT:
        role = "for comparison with the paper only"
    if row[0].standing == "leaky":
        role = "trained on the test images, so no claim"
    together = f"With simultaneous intervals: better at {_at(better)}, worse at {_at(worse)}."
    return (
        f"{name} {MINUS} {baseline}, {single or 'mean over K'} ({role}): {signed(overall.value)}, "
        f"{percent} interval [{signed(overall.low)}, {signed(overall.high)}]: {finding}."
        f"{'' if single else f' {together}'}"
    )


def _beside(layout: Layout, cells: Sequence[Cell]) -> list[str]:
    """What the plain AUROC hides: near copies in the test set, sources of error, localisation."""
    lines = [
        "AUROC with every leakage group weighing one; as torchmetrics would report it; pixel "
        "AUROC; standard error of the mean over draws by image groups and by draws:",
        "",
        *header("grouped; sigmoid; pixel; errors", _columns(layout)),
    ]
    for method in layout.methods:
        row = [cell for cell in cells if cell.method == method]
        values = [
            f"{plain(cell.auroc_grouped)}; {plain(cell.auroc_sigmoid)}; "
            f"{plain(cell.pixel_auroc)}; "
            f"{plain(cell.se_groups)}, {plain(cell.se_draws) if cell.n > 1 else 'one draw'}"
            for cell in row
        ]
        lines.append(line(f"**{row[0].row}**", values))
    return [*lines, ""]


def _facts(layout: Layout, facts: Mapping[str, float]) -> list[str]:
    """What stage 1 reached on the images it was trained on, beside what the paper says of it."""
    rows = [row for row in layout.rows if row.fact is not None and row.method in layout.methods]
    if not rows:
        return []
    lines = [
        "## On the images stage 1 was trained on",
        "",
        "Mean over draws; training images, so these numbers say nothing of new ones.",
        "",
    ]
    for dataset in layout.datasets:
        for split in layout.splits:
            columns = [column(shot) for shot in layout.shots]
            lines += header(f"{dataset}, {split}", [*columns, "paper"])
            for row in rows:
                names = [f"{dataset}/{split}/{row.method}/k{text(shot)}" for shot in layout.shots]
                values = [plain(facts[name]) for name in names]
                paper = "" if row.published_fact is None else plain(row.published_fact)
                lines.append(line(f"**{row.label}**: {row.fact}", [*values, paper]))
            lines.append("")
    return lines


def _unanswered(layout: Layout) -> list[str]:
    rows = [row for row in layout.rows if row.method not in layout.methods or not row.certain]
    if not rows:
        return []
    lines = ["## Published rows without a comparison", ""]
    for row in rows:
        values = ", ".join(
            f"{f'{dataset} ' if dataset else ''}{column(k)} {either(values)}"
            for dataset, printed in row.published.items()
            for k, values in printed.items()
        )
        label = row.label if row.certain else f"label inferred, perhaps {row.label}"
        obstacle = layout.obstacles.get(row.method or "", "")
        lines.append(f"- {row.name} ({label}): {values}{': ' if obstacle else ''}{obstacle}")
    return [*lines, ""]


# What a split is that may keep no copies apart.
_SPLITS = {
    "paper": "every healthy image may be a shot and the rest is test. The paper discards images "
    "that it does not name, so this too is a reading",
    "adfa": "as many images as the paper has, whose files it does not name: chosen once, as "
    "`splits.adfa.numbers` says, which may keep near copies apart or not",
}


def _how_to_read(layout: Layout, notes: Sequence[str]) -> list[str]:
    together = (
        "Differences at one K have simultaneous intervals, which hold for all K of one row "
        "together; the mean over K has its own. "
    )
    return [
        "## How to read this",
        "",
        "- A cell is mean ± sd over draws [interval]. Leakage groups and draws are resampled "
        "together, one resample for all methods and K. A draw fixes shots and training seed. All "
        "draws of a split take their shots from one pool, whose own chance is in no interval; of "
        "few draws an interval covers less than it says.",
        *(f"- {name}: {meaning}." for name, meaning in STANDINGS.items()),
        "- reproduced: the paper's value lies in our interval, however wide that is; above, below: "
        "ours against it; in brackets ours less the paper's (the printed value nearest to ours).",
        f"- {together if len(layout.shots) > 1 else ''}At most one row of a table is its primary "
        f"claim, on split {PRIMARY_SPLIT}; the others are exploratory: nothing corrects for their "
        "number.",
        *(f"- Split {name}: {_SPLITS[name]}." for name in layout.splits if name in _SPLITS),
        "- As torchmetrics would report it: it takes the sigmoid of an update that holds a score "
        "outside [0, 1] and of no other. In the order of the files an update holds one class, so "
        "this can be far above or below the AUROC. It shows what a gap may be made of, and is no "
        "test result.",
        *(f"- {note}" for note in notes),
        "",
    ]


def _columns(layout: Layout) -> list[str]:
    mean = ["mean over K"] if len(layout.shots) > 1 else []
    return [*(column(shot) for shot in layout.shots), *mean]


def _at(shots: Sequence[str]) -> str:
    return f"K = {', '.join(shots)}" if shots else "no K"
