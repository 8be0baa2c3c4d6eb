"""Layout, metrics and intervals of a small table, with numbers chosen by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Any

import pytest

from medad.reporting.cells import Layout
from medad.reporting.published import parse_rows

AUROC = {"patchcore": 0.70, "padim": 0.66, "consult": 0.74, "mine": 0.70}
STANDING = {"consult": ("literal", "all of it is stated"), "mine": ("ours", "")}
ROWS: list[dict[str, Any]] = [
    {
        "name": "r1",
        "label": "f-AnoGAN",
        "method": None,
        "confidence": "inferred",
        "published": {"K2": 0.7291, "K4": 0.8119},
    },
    {
        "name": "r4",
        "label": "PaDiM",
        "method": "padim",
        "confidence": "inferred",
        "published": {"K2": 0.7171, "K4": 0.7554},
    },
    {
        "name": "r5",
        "label": "PatchCore",
        "method": "patchcore",
        "confidence": "certain",
        "published": {"K2": 0.7201, "K4": 0.9},
    },
    {
        "name": "r6",
        "label": "CONSULT",
        "method": "consult",
        "confidence": "certain",
        "published": {"K2": 0.5, "K4": [0.8738, 0.7486]},
    },
]


def _metrics(plan: Layout) -> dict[str, dict[str, Any]]:
    """AUROC of a method plus .01 k plus .02 r."""
    return {
        f"metrics/{dataset}/{split}/{method}/k{k}/r{r}": {
            "auroc": AUROC[method] + 0.01 * k + 0.02 * r,
            "auroc_grouped": AUROC[method],
            "auroc_sigmoid": AUROC[method] - 0.1,
            "pixel_auroc": None if method == "padim" else 0.9 + 0.02 * r,
            "n_healthy": 70 + r,
            "n_anomalous": 155,
            "n_masks": 127,
        }
        for dataset in plan.datasets
        for split in plan.splits
        for method in plan.methods
        for k in plan.shots
        for r in plan.draws
    }


def _intervals(plan: Layout, copies: float = 0.0) -> dict[str, dict[str, Any]]:
    """Intervals of .04 either side; ``copies`` is what a draw's own copies add to the AUROC."""
    values = {
        method: {
            str(k): [AUROC[method] + 0.01 * k + 0.02 * r for r in plan.draws] for k in plan.shots
        }
        for method in plan.methods
    }
    for draws in values.values():
        draws["all"] = [fmean(column) for column in zip(*draws.values(), strict=True)]
    levels = {
        method: {
            column: {
                "value": fmean(draws) - copies,
                "low": fmean(draws) - copies - 0.04,
                "high": fmean(draws) - copies + 0.04,
                "se": 0.02,
                "se_groups": 0.017,
                "se_draws": 0.009,
                "auroc": fmean(draws),
                "auroc_low": fmean(draws) - 0.04,
                "auroc_high": fmean(draws) + 0.04,
                "auroc_se": 0.02,
                "sd": stdev(draws),
                "n": len(draws),
            }
            for column, draws in columns.items()
        }
        for method, columns in values.items()
    }
    reach = {"consult": 0.03, "padim": 0.05, "mine": 0.0}
    differences = {
        method: {
            column: {
                "value": AUROC[method] - AUROC["patchcore"],
                "low": AUROC[method] - AUROC["patchcore"] - reach[method],
                "high": AUROC[method] - AUROC["patchcore"] + reach[method],
                **(
                    {}
                    if column == "all"
                    else {
                        "simultaneous_low": AUROC[method] - AUROC["patchcore"] - 2 * reach[method],
                        "simultaneous_high": AUROC[method] - AUROC["patchcore"] + 2 * reach[method],
                    }
                ),
            }
            for column in values[method]
        }
        for method in plan.methods
        if method != "patchcore"
    }
    one = {
        "baseline": "patchcore",
        "confidence": 0.95,
        "resamples": 2000,
        "draws": len(plan.draws),
        "groups": {"healthy": 60, "anomalous": 134},
        "levels": levels,
        "differences": differences,
    }
    return {
        f"intervals/{dataset}/{split}": one for dataset in plan.datasets for split in plan.splits
    }


@dataclass(frozen=True)
class Report:
    """What a table is made of; ``copies`` is what a draw's own copies add to its AUROC."""

    layout: Layout
    metrics: dict[str, dict[str, Any]]
    intervals: dict[str, dict[str, Any]]


def _report(
    copies: float = 0.0,
    datasets: tuple[str, ...] = ("brain_mri",),
    splits: tuple[str, ...] = ("grouped",),
) -> Report:
    plan = Layout(
        rows=parse_rows(ROWS),
        paper_dataset="brain_mri",
        datasets=datasets,
        splits=splits,
        methods=tuple(AUROC),
        shots=(2, 4),
        draws=(0, 1),
        standings={method: STANDING.get(method, ("reading", "")) for method in AUROC},
    )
    return Report(plan, _metrics(plan), _intervals(plan, copies))


@pytest.fixture
def report() -> Callable[..., Report]:
    """The function that makes the inputs of a table."""
    return _report
