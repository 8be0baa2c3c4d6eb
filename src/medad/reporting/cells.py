"""Cells of a table: our mean over draws, its interval, and the comparison with the paper."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean, stdev
from typing import Any

from medad.errors import MedadError
from medad.reporting.published import Comparison, Row, compare
from medad.shot_counts import column, label, parse, text

ALL = "all"  # the mean over shot counts


@dataclass(frozen=True)
class Difference:
    """Paired difference from the baseline with its interval.

    The simultaneous interval holds for all K together; it is None for the mean over K.
    """

    value: float
    low: float
    high: float
    together: tuple[float, float] | None


@dataclass(frozen=True)
class Cell:
    """One number of a table with all that is said about it.

    ``auroc`` is the mean over ``n`` draws and ``sd`` their standard deviation (None for one draw);
    ``low`` and ``high`` bound its interval. ``clean``, ``clean_low`` and ``clean_high`` are of the
    mean without the copies of a draw's own shots, which is what the difference is of; they equal
    the others when the split keeps copies apart. ``auroc_grouped`` weighs every leakage group
    once; ``auroc_sigmoid`` is what torchmetrics would report. ``standing`` and ``because`` are the
    method's. ``se_groups`` and ``se_draws`` are the standard errors by source. ``metrics`` and
    ``intervals`` name the artifacts behind the cell.
    """

    dataset: str
    split: str
    row: str
    method: str
    standing: str
    because: str
    shots: str
    auroc: float
    sd: float | None
    low: float
    high: float
    n: int
    auroc_grouped: float
    auroc_sigmoid: float
    pixel_auroc: float | None
    clean: float
    clean_low: float
    clean_high: float
    se_groups: float
    se_draws: float
    comparison: Comparison
    difference: Difference | None
    metrics: tuple[str, ...]
    intervals: str

    @property
    def name(self) -> str:
        """Key of the cell map, such as ``brain_mri/grouped/CONSULT/K4``."""
        shots = ALL if self.shots == ALL else column(self.shots)
        return f"{self.dataset}/{self.split}/{self.row}/{shots}"


@dataclass(frozen=True)
class Layout:
    """What a table spans. ``paper_dataset`` is the data set of the published values,
    None where every row says of which.

    ``standings``: of every method, a key of ``STANDINGS`` and the reason. ``obstacles``: why a
    method that a row names could not run. ``repeats``: method to those that are the same with other
    training seeds. ``primary``: the method whose difference from the baseline is the table's one
    claim, fixed before any score; None for none. ``average``: whether the mean over data sets is
    shown too. ``backbones``: of the methods of rows that name the paper's.
    """

    rows: tuple[Row, ...]
    paper_dataset: str | None
    datasets: tuple[str, ...]
    splits: tuple[str, ...]
    methods: tuple[str, ...]
    shots: tuple[int, ...]
    draws: tuple[int, ...]
    standings: Mapping[str, tuple[str, str]]
    obstacles: Mapping[str, str] = field(default_factory=dict)
    repeats: Mapping[str, Sequence[str]] = field(default_factory=dict)
    primary: str | None = None
    average: bool = False
    backbones: Mapping[str, str] = field(default_factory=dict)

    def row_of(self, method: str) -> Row:
        """The published row a method answers, or an empty one under its own name."""
        for row in self.rows:
            if row.method == method:
                return row
        return Row(method, method, method, True, {})


Metrics = Mapping[str, Mapping[str, Any]]  # "metrics/<dataset>/<split>/<method>/k4/r0" to content


def build(
    layout: Layout, metrics: Metrics, intervals: Mapping[str, Mapping[str, Any]]
) -> list[Cell]:
    """All cells, by dataset, split, method, K, and last the mean over K.

    ``intervals``: "intervals/<dataset>/<split>" to content. Raises MedadError when the two kinds
    of file disagree on a mean: they are then not of the same scores.
    """
    return [
        _cell(layout, dataset, split, method, shots, metrics, intervals)
        for dataset in layout.datasets
        for split in layout.splits
        for method in layout.methods
        for shots in (*(text(shot) for shot in layout.shots), ALL)
    ]


def _cell(
    layout: Layout,
    dataset: str,
    split: str,
    method: str,
    shots: str,
    metrics: Metrics,
    intervals: Mapping[str, Mapping[str, Any]],
) -> Cell:
    counts = [text(k) for k in layout.shots] if shots == ALL else [shots]
    run = f"metrics/{dataset}/{split}/{method}"
    names = [[f"{run}/k{k}/r{r}" for k in counts] for r in layout.draws]
    source = f"intervals/{dataset}/{split}"
    row, found = layout.row_of(method), intervals[source]
    level = found["levels"][method][shots]
    # Over several K a draw's value is its mean over K, so that sd is over draws there too.
    per_draw = [fmean(float(metrics[name]["auroc"]) for name in draw) for draw in names]
    auroc = fmean(per_draw)
    flat = [name for draw in names for name in draw]
    if abs(auroc - level["auroc"]) > 1e-9:
        raise MedadError(
            f"table: {dataset} {split} {method} {label(shots)}: metrics give {auroc:.6f} and "
            f"intervals {level['auroc']:.6f}; they are of different scores, so make both again"
        )
    return Cell(
        dataset=dataset,
        split=split,
        row=row.label,
        method=method,
        standing=layout.standings[method][0],
        because=layout.standings[method][1],
        shots=shots,
        auroc=auroc,
        sd=stdev(per_draw) if len(per_draw) > 1 else None,
        low=level["auroc_low"],
        high=level["auroc_high"],
        n=len(per_draw),
        auroc_grouped=fmean(float(metrics[name]["auroc_grouped"]) for name in flat),
        auroc_sigmoid=fmean(float(metrics[name]["auroc_sigmoid"]) for name in flat),
        pixel_auroc=_mean([metrics[name]["pixel_auroc"] for name in flat]),
        clean=level["value"],
        clean_low=level["low"],
        clean_high=level["high"],
        se_groups=level["se_groups"],
        se_draws=level["se_draws"],
        comparison=_comparison(layout, row, dataset, shots, auroc, level),
        difference=_difference(found["differences"].get(method, {}).get(shots)),
        metrics=tuple(flat),
        intervals=source,
    )


def _comparison(
    layout: Layout, row: Row, dataset: str, shots: str, value: float, level: Mapping[str, Any]
) -> Comparison:
    if shots == ALL:
        return Comparison((), None, "not comparable", "the paper prints no mean over K")
    obstacles = []
    if row.published and not row.certain:
        obstacles.append("the row's label is inferred")
    if row.published and layout.paper_dataset not in (None, dataset):
        obstacles.append(f"the paper's images are {layout.paper_dataset}, these are {dataset}")
    own = layout.backbones.get(row.method or "", row.backbone)
    if row.published and own != row.backbone:
        obstacles.append(f"the paper's backbone is {row.backbone}, here it is {own}")
    # An inferred row is not shown beside ours: that would be a comparison by name.
    paper = row.printed(dataset).get(parse(shots), ()) if row.certain else ()
    if obstacles:
        return Comparison(paper, None, "not comparable", "; ".join(obstacles))
    return compare(value, level["auroc_low"], level["auroc_high"], paper)


def _difference(found: Mapping[str, Any] | None) -> Difference | None:
    if found is None:
        return None
    together = None
    if "simultaneous_low" in found:
        together = (found["simultaneous_low"], found["simultaneous_high"])
    return Difference(found["value"], found["low"], found["high"], together)


def _mean(values: Sequence[float | None]) -> float | None:
    """Mean of the values that are there, or None."""
    present = [value for value in values if value is not None]
    return fmean(present) if present else None
