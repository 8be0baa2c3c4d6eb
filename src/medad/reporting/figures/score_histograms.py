"""Scores of healthy and anomalous test images, and what a healthy-only threshold makes of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medad.evaluation.scores import Scores, read_scores
from medad.evaluation.thresholds import conformal_threshold, sensitivity_specificity
from medad.reporting.examples import place, single_draw, spans_decades
from medad.reporting.figure import PALETTE, Page, plain_numbers, style
from medad.task import Task

BINS = 16
WIDTH, HEIGHT, LEFT, TOP, GAP = 3.9, 2.3, 0.65, 0.75, 0.55  # inches
CLASSES = ((0, "healthy", PALETTE[0]), (1, "anomalous", PALETTE[1]))


@dataclass(frozen=True)
class Panel:
    """Scores of one method: ``edges`` (BINS + 1,) of bins that both classes share, and of each
    class (by label) the share of its images in every bin (BINS,), which sum to 1. Where scores span
    decades, ``decades``, bins do so evenly. The threshold
    and what it gives are None when there are too few healthy validation images."""

    method: str
    edges: NDArray[np.float64]
    decades: bool
    shares: dict[int, NDArray[np.float64]]
    sizes: dict[int, int]
    threshold: float | None
    sensitivity: float | None
    specificity: float | None


def panel(method: str, scores: Scores, quantile: float) -> Panel:
    """Of all scores of one run; the threshold comes from healthy validation images alone.

    Raises MedadError unless both classes are among the test images.
    """
    test, validation = scores.take(scores.rows("test")), scores.take(scores.rows("validation"))
    threshold = conformal_threshold(validation.score[validation.label == 0], quantile)
    # The limits hold the threshold too, so that it is always seen.
    reach = test.score if threshold is None else np.append(test.score, threshold)
    decades = spans_decades(test.score) and reach.min() > 0
    edges = (
        np.geomspace(reach.min(), reach.max(), BINS + 1)
        if decades
        else np.histogram_bin_edges(reach, BINS)
    )
    shares, sizes = {}, {}
    for label, _, _ in CLASSES:
        own = test.score[test.label == label]
        shares[label] = np.histogram(own, edges)[0] / max(1, len(own))
        sizes[label] = len(own)
    found = (
        (None, None)
        if threshold is None
        else sensitivity_specificity(test.label, test.score, threshold)
    )
    return Panel(method, edges, decades, shares, sizes, threshold, *found)


def draw(task: Task) -> bytes:
    """PNG of one panel a method, of one draw."""
    quantile = float(task.params["healthy_quantile"])
    panels = [
        panel(name, read_scores(task.inputs[f"scores/{name}/{single_draw(task)}"]), quantile)
        for name in task.params["methods"]
    ]
    return render(f"{task.params['title']}: {place(task)}", panels, quantile)


def render(title: str, panels: Sequence[Panel], quantile: float) -> bytes:
    """PNG bytes. Scores of two methods have different units, so every panel has its own axis."""
    note = (
        f"Threshold: of the healthy validation images, so that at most {1 - quantile:.0%} of new "
        "healthy ones lie above it (conformal). No test image sets it."
    )
    with style():
        width = LEFT + len(panels) * (WIDTH + GAP)
        page = Page(width, TOP + HEIGHT + 0.75, title, note)
        for number, one in enumerate(panels):
            axis = page.axes(LEFT + number * (WIDTH + GAP), TOP, WIDTH, HEIGHT)
            for label, name, colour in CLASSES:
                share, text = one.shares[label], f"{name} ({one.sizes[label]})"
                axis.stairs(share, one.edges, color=colour, lw=1.5, label=text)
                if label == 0:
                    axis.stairs(share, one.edges, color=colour, fill=True, alpha=0.35)
            if one.threshold is not None:
                axis.axvline(
                    one.threshold, 0, 0.85, color="black", ls="--", lw=1, label="threshold"
                )
            axis.set_title(f"{one.method}\n{_verdict(one)}", loc="left")
            if one.decades:
                axis.set_xscale("log")
                plain_numbers(axis.xaxis)
            axis.set_xlabel("image score (higher is more anomalous; units of the method)")
            axis.set_ylabel("share of the class's images" if number == 0 else "")
            axis.set_ylim(0, 1.3 * max(share.max() for share in one.shares.values()))
            axis.legend(loc="upper right", ncols=3, columnspacing=1.0, handlelength=1.4)
        return page.png()


def _verdict(one: Panel) -> str:
    if one.sensitivity is None or one.specificity is None:
        return "no threshold, too few healthy validation images"
    return f"sensitivity {one.sensitivity:.2f}, specificity {one.specificity:.2f}"
