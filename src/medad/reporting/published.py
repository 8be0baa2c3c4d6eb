"""Published values, and what ours say about them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from medad.errors import MedadError
from medad.shot_counts import parse

Verdict = Literal["reproduced", "above", "below", "not comparable"]
STANDINGS = {  # of a method towards its paper
    "literal": "as the paper's text has it, also where it contradicts itself or its formulas fail",
    "reading": "the paper leaves something open, and this is one way to close it",
    "leaky": "trained on test images and their labels, by design",
    "ours": "not in the paper",
}


@dataclass(frozen=True)
class Row:
    """One row of a published table.

    ``method`` is ours, or None when we have no counterpart. ``certain``: the paper names the row.
    ``published``: data set to K to every value the paper prints for it; "" where the whole table
    is of one data set. ``fact``: what stage 1 says of the images it was trained on, which the paper
    prints as ``published_fact``. ``backbone``: the paper's, where it names one.
    """

    name: str
    label: str
    method: str | None
    certain: bool
    published: Mapping[str, Mapping[int, tuple[float, ...]]]
    fact: str | None = None
    published_fact: float | None = None
    backbone: str | None = None

    def printed(self, dataset: str) -> Mapping[int, tuple[float, ...]]:
        """K to the values printed for a data set, or for the only one of the table."""
        return self.published.get(dataset, self.published.get("", {}))


def parse_rows(entries: Sequence[Mapping[str, Any]]) -> tuple[Row, ...]:
    """Rows of a table file, whose columns are named K2, K4, ... or full, perhaps by data set.

    Raises MedadError for a confidence other than ``certain`` or ``inferred``, for a column of
    another form, for a label with a slash and for a name or label that repeats.
    """
    rows = []
    for entry in entries:
        name, confidence = str(entry["name"]), entry["confidence"]
        if confidence not in ("certain", "inferred"):
            raise MedadError(
                f"table row {name}: confidence {confidence!r}; allowed: certain, inferred"
            )
        label = str(entry["label"])
        if "/" in label:  # it separates the parts of a cell's name
            raise MedadError(f"table row {name}: label {label!r}; allowed: any text without /")
        given = entry["published"]
        nested = given and all(isinstance(value, Mapping) for value in given.values())
        by_dataset = given if nested else {"": given} if given else {}
        published = {dataset: _columns(name, values) for dataset, values in by_dataset.items()}
        rows.append(
            Row(
                name=name,
                label=label,
                method=entry["method"],
                certain=confidence == "certain",
                published=published,
                fact=entry.get("fact"),
                published_fact=entry.get("published_fact"),
                backbone=entry.get("backbone"),
            )
        )
    for field in ("name", "label"):
        values = [getattr(row, field) for row in rows]
        if len(set(values)) < len(values):
            raise MedadError(f"table rows: two rows have the same {field}; allowed: one each")
    return tuple(rows)


def _columns(name: str, given: Mapping[str, Any]) -> dict[int, tuple[float, ...]]:
    found = {}
    for column, value in given.items():
        if column != "full" and not (column.startswith("K") and column[1:].isdigit()):
            raise MedadError(
                f"table row {name}: column {column!r}; allowed: K and a number, or full"
            )
        values = value if isinstance(value, Sequence) else [value]
        found[parse(column.removeprefix("K"))] = tuple(float(one) for one in values)
    return found


@dataclass(frozen=True)
class Comparison:
    """Published values shown beside ours; the difference (ours - paper) only when comparable."""

    paper: tuple[float, ...]
    difference: float | None
    verdict: Verdict
    reason: str


def compare(
    value: float,
    low: float,
    high: float,
    paper: tuple[float, ...],
    obstacles: Sequence[str] = (),
) -> Comparison:
    """Verdict on one cell from our value and its interval [low, high].

    ``reproduced`` when any published value lies in the interval, else ``above`` or ``below``: our
    interval against the published value nearest to ours, from which the difference is, too.
    ``obstacles`` are reasons why the two are not comparable; they win.
    """
    reasons = list(obstacles) if paper else [*obstacles, "no published value"]
    if reasons:
        return Comparison(paper, None, "not comparable", "; ".join(reasons))
    nearest = min(paper, key=lambda printed: abs(value - printed))
    if any(low <= printed <= high for printed in paper):
        verdict: Verdict = "reproduced"
    else:
        verdict = "above" if low > nearest else "below"
    reason = "" if len(paper) == 1 else f"the paper prints {either(paper)}; either is accepted"
    return Comparison(paper, value - nearest, verdict, reason)


def either(values: Sequence[float]) -> str:
    """The printed values as text: "0.8738 or 0.8686"."""
    return " or ".join(f"{value:.4f}" for value in values)
