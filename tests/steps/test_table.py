"""The table step on the shipped rows of CONSULT's table 1."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from medad.errors import MedadError
from medad.files import read_json, write_json, write_safetensors
from medad.steps import table
from medad.task import Task

TABLES = Path(__file__).parents[2] / "workflow" / "tables"
METHODS, SHOTS, DRAWS = ("padim", "patchcore", "consult"), (2, 8), 2


def _auroc(method: str, k: int, r: int) -> float:
    return 0.7 + 0.02 * METHODS.index(method) + 0.01 * k + 0.01 * r


def _level(method: str, shots: tuple[int, ...]) -> dict[str, Any]:
    auroc = sum(_auroc(method, k, r) for k in shots for r in range(DRAWS)) / len(shots) / DRAWS
    spread = {"se": 0.02, "se_groups": 0.017, "se_draws": 0.009}
    bounds = {"low": auroc - 0.05, "high": auroc + 0.05}
    whole = {"auroc": auroc, "auroc_se": 0.02, **{f"auroc_{n}": v for n, v in bounds.items()}}
    return {"value": auroc, **bounds, **spread, **whole}


def _task(folder: Path, name: str = "t") -> Task:
    inputs = {}
    for method in METHODS:
        for k in SHOTS:
            for r in range(DRAWS):
                path = folder / f"{method}-{k}-{r}.json"
                auroc = _auroc(method, k, r)
                sizes = {"n_healthy": 60, "n_anomalous": 155, "n_masks": 127}
                write_json(
                    path,
                    {
                        "auroc": auroc,
                        "auroc_grouped": auroc,
                        "auroc_sigmoid": auroc,
                        "pixel_auroc": None,
                        **sizes,
                    },
                )
                inputs[f"metrics/brain_mri/grouped/{method}/k{k}/r{r}"] = path
    columns = {"2": (2,), "8": (8,), "all": SHOTS}
    gap = {"value": 0.02, "low": -0.01, "high": 0.05}
    together = {"simultaneous_low": -0.03, "simultaneous_high": 0.07}
    write_json(
        folder / "intervals.json",
        {
            "baseline": "patchcore",
            "confidence": 0.95,
            "resamples": 2000,
            "draws": DRAWS,
            "groups": {"healthy": 50, "anomalous": 134},
            "levels": {m: {c: _level(m, k) for c, k in columns.items()} for m in METHODS},
            "differences": {
                method: {"2": gap | together, "8": gap | together, "all": gap}
                for method in ("padim", "consult")
            },
        },
    )
    inputs["intervals/brain_mri/grouped"] = folder / "intervals.json"
    entry = yaml.safe_load((TABLES / "consult.yaml").read_text(encoding="utf-8"))["table1"]
    return Task(
        kind="table",
        identity={"table": "table1"},
        params={
            **entry,
            "seed": 0,
            "datasets": ["brain_mri"],
            "splits": ["grouped"],
            "methods": list(METHODS),
            "shots": list(SHOTS),
            "draws": list(range(DRAWS)),
            "standings": {method: ["reading", "said so"] for method in METHODS},
            "obstacles": {},
        },
        inputs=inputs,
        outputs={
            "csv": folder / f"{name}.csv",
            "markdown": folder / f"{name}.md",
            "cells": folder / f"{name}.json",
        },
        scratch=folder,
        cache=folder,
        live=folder / "live",
    )


def test_the_three_outputs_agree(tmp_path: Path) -> None:
    task = _task(tmp_path)
    table.run(task)
    with task.outputs["csv"].open(encoding="utf-8", newline="") as stream:
        rows = {(row["row"], row["shots"]): row for row in csv.DictReader(stream)}
    assert set(rows) == {
        (m, k) for m in ("PaDiM", "PatchCore", "CONSULT") for k in ("2", "8", "all")
    }
    # .765 +- .05 against .8663, and .825 +- .05 against either of the two values printed.
    assert (rows["CONSULT", "2"]["verdict"], rows["CONSULT", "2"]["paper"]) == ("below", "0.8663")
    assert (rows["CONSULT", "8"]["verdict"], rows["CONSULT", "8"]["paper"]) == (
        "reproduced",
        "0.8686",
    )
    assert rows["PaDiM", "2"]["reason"] == "the row's label is inferred"
    assert rows["CONSULT", "all"]["vs_baseline"] == "0.0200"

    cells = read_json(task.outputs["cells"])["cells"]
    for (row, shots), line in rows.items():
        cell = cells[f"brain_mri/grouped/{row}/{'all' if shots == 'all' else f'K{shots}'}"]
        assert f"{cell['value']:.{cell['decimals']}f}" == line["auroc"]
        assert set(cell["metrics"]) <= set(task.inputs)
        assert cell["intervals"] in task.inputs
    text = task.outputs["markdown"].read_text(encoding="utf-8")
    assert "CONSULT − PatchCore, mean over K (the primary claim): +0.020" in text
    assert "no difference is shown" in text
    assert "r1 (label inferred, perhaps f-AnoGAN)" in text


def test_bytes_are_the_same_twice(tmp_path: Path) -> None:
    first, second = _task(tmp_path, "a"), _task(tmp_path, "b")
    for task in (first, second):
        table.run(task)
    for name in first.outputs:
        assert first.outputs[name].read_bytes() == second.outputs[name].read_bytes()


def test_facts_are_the_mean_over_draws_of_what_stage_1_says(tmp_path: Path) -> None:
    task = _task(tmp_path)
    rows = [dict(row) for row in task.params["rows"]]
    next(row for row in rows if row["method"] == "consult")["fact"] = "iou"
    inputs = dict(task.inputs)
    for k in SHOTS:
        for r in range(DRAWS):
            path = tmp_path / f"trained-{k}-{r}.safetensors"
            write_safetensors(path, {}, {"iou": 0.5 + 0.1 * r + k / 100})
            inputs[f"stage1/brain_mri/grouped/consult/k{k}/r{r}"] = path
    with_facts = replace(task, params={**task.params, "rows": rows}, inputs=inputs)
    table.run(with_facts)
    text = task.outputs["markdown"].read_text(encoding="utf-8")
    assert "| **CONSULT**: iou | 0.570 | 0.630 |  |" in text

    next(row for row in rows if row["method"] == "consult")["fact"] = "accuracy"
    with pytest.raises(MedadError, match="says nothing of 'accuracy'"):
        table.run(with_facts)
