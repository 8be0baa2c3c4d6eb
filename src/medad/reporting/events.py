"""Events of stage 1 as arrays, for figures."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from medad.errors import MedadError
from medad.shot_counts import text
from medad.task import Task

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Trace:
    """One quantity over the steps of several draws: ``steps`` (n,) and ``values`` (draws, n)."""

    steps: NDArray[np.int64]
    values: Array


def read_events(task: Task, method: str) -> list[list[dict[str, float]]]:
    """Events of every draw of a figure, by shot count and then replicate."""
    names = [f"events/{method}/k{text(k)}/r{r}" for k, r in draws(task)]
    return [_events(task.inputs[name]) for name in names]


def draws(task: Task) -> list[tuple[int, int]]:
    """(K, replicate) of every draw that a figure shows."""
    return [(int(k), int(r)) for k in task.params["shots"] for r in task.params["draws"]]


def _events(path: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def trace(runs: Sequence[Sequence[dict[str, float]]], name: str) -> Trace:
    """A quantity at the steps that log it; MedadError when draws log it at different steps."""
    steps = [[int(event["step"]) for event in run if name in event] for run in runs]
    if any(own != steps[0] for own in steps):
        raise MedadError(f"figure: {name} is logged at different steps by two draws; train again")
    values = [[event[name] for event in run if name in event] for run in runs]
    return Trace(np.array(steps[0], np.int64), np.array(values, np.float64))
