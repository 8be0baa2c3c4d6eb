"""What a paper prints of data sets that a table does not have."""

from __future__ import annotations

from statistics import fmean

from medad.reporting.cells import Layout
from medad.reporting.published import either
from medad.reporting.text import header, line, plain
from medad.shot_counts import column


def section(layout: Layout) -> list[str]:
    """Markdown lines: published values of the data sets that are not here, row by row.

    With ``layout.average`` also the paper's own mean over all its data sets, here or not, of a row
    that has a value for each. No lines where every published data set is here.
    """
    printed = {dataset: None for row in layout.rows for dataset in row.published if dataset}
    absent = [dataset for dataset in printed if dataset not in layout.datasets]
    if not absent:
        return []
    shots = sorted({k for row in layout.rows for d in absent for k in row.published.get(d, {})})
    columns = [f"{dataset} {column(k)}" for dataset in absent for k in shots]
    means = [f"mean of {len(printed)}, {column(k)}" for k in shots] if layout.average else []
    lines = ["## Published, of data sets that are not here", ""]
    lines += header("the paper's image AUROC", [*columns, *means])
    for row in layout.rows:
        if not any(dataset in row.published for dataset in absent):
            continue
        values = [row.published.get(dataset, {}).get(k) for dataset in absent for k in shots]
        found = [either(value) if value else "" for value in values]
        for k in shots if layout.average else []:
            every = [row.published.get(dataset, {}).get(k) for dataset in printed]
            whole = [fmean(value) for value in every if value]
            found.append(plain(fmean(whole)) if len(whole) == len(printed) else "")
        lines.append(line(f"**{row.label}**", found))
    return [*lines, ""]
