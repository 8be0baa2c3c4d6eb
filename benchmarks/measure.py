"""What the benchmarks share: alternating timings, and the row that a script ends with.

A script times what is asked and what it is held against in turns, in one process, and reports the
ratio of the best times: a busy machine slows both.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping
from typing import Any


def threads(count: int) -> None:
    """Threads of every numerical library; before any of them is imported."""
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[variable] = str(count)
    os.environ["OPENBLAS_THREAD_TIMEOUT"] = "20"  # as jobs have it


def best(functions: Mapping[str, Callable[[], Any]], repeats: int) -> dict[str, float]:
    """Name -> shortest of ``repeats`` times in seconds; the functions take turns."""
    seconds = dict.fromkeys(functions, float("inf"))
    for _ in range(repeats):
        for name, function in functions.items():
            begun = time.perf_counter()
            function()
            seconds[name] = min(seconds[name], time.perf_counter() - begun)
    return seconds


def row(question: str, setting: str, ours: float, against: str, other: float, wanted: str) -> None:
    """Print one result as a line of JSON, which `make bench` gathers; times in seconds."""
    found = {
        "question": question,
        "setting": setting,
        "ours": ours,
        "against": against,
        "other": other,
        "ratio": other / ours,
        "wanted": wanted,
    }
    print(json.dumps(found), flush=True)
