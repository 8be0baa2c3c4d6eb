"""How well scores on healthy shots predicted the test, once it is scored for all candidates."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import spearmanr

from medad.config.load import section_with
from medad.config.models import Config
from medad.errors import MedadError
from medad.files import canonical_json, read_csv, read_json
from medad.selection.protocol import Protocol
from medad.selection.shots import SPLIT

_NUMBERS = ("auroc", "sd", "vs_baseline", "vs_low", "vs_high")


@dataclass(frozen=True)
class Prediction:
    """Spearman's rank correlation of validation and test over candidates, with an interval."""

    correlation: float
    low: float
    high: float


def read_test(
    protocol: Protocol, studies: Sequence[Mapping[str, Any]], config: Config, table: Path
) -> dict[str, Any]:
    """Every candidate's test AUROC from a table; JSON values.

    ``studies``: results of the sources, of which one must be of the table's dataset; they may hold
    candidates in any order, that of ``protocol`` counts. ``config``: the one that the table was
    made with, in which every candidate is a method of its own name.
    MedadError unless each method is exactly what the study had, on the same backbone, and has a
    row on the split and at the K of the study.
    """
    shots, names = protocol.shots, list(protocol.candidates)
    rows = {
        row["method"]: row
        for row in read_csv(table)
        if (row["split"], row["shots"]) == (SPLIT, str(shots))
    }
    datasets = {row["dataset"] for row in rows.values()}
    found = [study for study in studies if datasets == {study["dataset"]}]
    if not found:
        known = ", ".join(study["dataset"] for study in studies)
        there = ", ".join(sorted(datasets)) or "no dataset"
        raise MedadError(
            f"{table}: rows at K = {shots} on {SPLIT} are of {there}; the study has: {known}"
        )
    study = found[0]
    for name in names:
        if name not in rows:
            raise MedadError(f"{table}: no row of {name} at K = {shots}; all candidates are scored")
        _same(study, name, config)
    _same_pool(study, config)
    if rows[names[0]]["vs_baseline"]:
        raise MedadError(f"{table}: its baseline is not {names[0]}, the study's first candidate")
    return {
        "protocol": study["protocol"],
        "dataset": study["dataset"],
        "draws": _draws(table.with_suffix(".cells.json"), study["dataset"], shots),
        "results": {
            name: {key: float(rows[name][key]) for key in _NUMBERS if rows[name][key]}
            for name in names
        },
    }


def _same_pool(study: Mapping[str, Any], config: Config) -> None:
    """Refuse a table on whose test images the study may have worked: its pool is of one seed."""
    for part, ours, theirs in (
        ("seed", config.seed, study["seed"]["params"]),
        ("splits.grouped", config.splits.grouped.model_dump(), study["split"]),
        ("leakage", config.leakage.model_dump(), study["leakage"]),
    ):
        if canonical_json(ours) != canonical_json(theirs):
            raise MedadError(
                f"{part}: got {ours}, the study had {theirs}; its images may be tested"
            )


def _draws(cells: Path, dataset: str, shots: int) -> list[int]:
    """Numbers of the draws in a table's cells, from the names of the metrics behind them."""
    found = read_json(cells)["cells"]
    names = {
        metric
        for cell, said in found.items()
        if cell.startswith(f"{dataset}/{SPLIT}/") and cell.endswith(f"/K{shots}")
        for metric in said["metrics"]
    }
    return sorted({int(name.rpartition("/r")[2]) for name in names})


def _same(study: Mapping[str, Any], name: str, config: Config) -> None:
    """Refuse a method that is not the candidate, or that ran on something else."""
    if name not in config.methods:
        raise MedadError(f"methods: no {name!r} in this configuration; add its preset to --config")
    method, changes = config.methods[name], config.methods[name].override
    ours = {
        "stage1": section_with(config.stage1.consult, changes.stage1, name),
        "detector": section_with(config.detectors.patchcore, changes.detector, name),
        "synthesis": section_with(config.synthesis.consult, changes.synthesis, name),
        "steps": (method.stage1, method.synthesis, method.detector),
        "side": config.image.side,
        "weights": (config.backbone.name, config.backbone.weights, config.backbone.sha256),
        "normalisation": config.normalisation_of(name, study["dataset"]),
    }
    backbone = study["backbone"]
    theirs = {
        "stage1": study["candidates"][name],
        "detector": study["detectors"].get(name, study["detector"]),
        "synthesis": study["synthesis"],
        "steps": ("consult", "consult", "patchcore"),
        "side": study["side"],
        "weights": (backbone["name"], backbone["weights"], backbone["sha256"]),
        # Studies made before there was a choice have none.
        "normalisation": backbone.get("normalisation", "imagenet"),
    }
    for part, value in theirs.items():
        # Through JSON, where a pair of numbers is a list.
        if canonical_json(ours[part]) != canonical_json(value):
            raise MedadError(
                f"methods.{name} is not the candidate {name} of the study: its {part} differ; "
                "correct it, or make the table with the configuration of the study"
            )


def prediction(validation: Sequence[float], test: Sequence[float]) -> Prediction:
    """Spearman's correlation and its 95 % interval, by Fisher's z with Fieller's variance.

    Candidates are taken for independent, which they are not: the interval is too narrow.
    Raises MedadError for fewer than 5 candidates.
    """
    count = len(validation)
    if count < 5:
        raise MedadError(f"rank correlation: got {count} candidates; allowed: 5 or more")
    found = float(spearmanr(validation, test).statistic)
    z = math.atanh(min(max(found, -1 + 1e-12), 1 - 1e-12))
    half = 1.96 * math.sqrt(1.06 / (count - 3))
    return Prediction(found, math.tanh(z - half), math.tanh(z + half))


def regret(results: Mapping[str, Mapping[str, float]], chosen: str) -> tuple[str, float]:
    """The candidate that is best on the test, and how much better than ``chosen``."""
    names = list(results)
    values = [results[name]["auroc"] for name in names]
    best = int(np.argmax(values))
    return names[best], values[best] - results[chosen]["auroc"]
