"""One record per attempt at a step: when, where, how long, computed or restored."""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from medad.files import write_json
from medad.lineage import environment
from medad.lineage.manifest import read, seal

FOLDER = "results/records"
DIGITS = 16  # of the microseconds in a name, so that names sort by time
Action = Literal["computed", "restored"]


@dataclass(frozen=True)
class Clock:
    """Start of an attempt: wall-clock and monotonic seconds."""

    started: float
    ticks: float

    @classmethod
    def start(cls) -> Clock:
        return cls(time.time(), time.perf_counter())


def write(
    root: Path,
    manifest: dict[str, Any],
    action: Action,
    clock: Clock,
    *,
    compute_s: float,
    device: str,
    log: str,
) -> None:
    """Add the record of a finished attempt; never replaces another.

    ``process`` and ``started`` make its name, so that a copy under another name can be told.
    """
    key, process = manifest["key"], os.getpid()
    value = {
        "schema": 1,
        "key": key,
        "kind": manifest["kind"],
        "identity": manifest["identity"],
        "action": action,
        "started": round(clock.started, 6),
        "process": process,
        "wall_s": round(time.perf_counter() - clock.ticks, 4),
        "compute_s": round(compute_s, 4),
        "threads": manifest["threads"],
        "device": device,
        "peak_memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "log": log,
        "libraries": environment.libraries(),
        "machine": environment.machine(),
        "repository": environment.repository(root),
        **environment.engine(),
    }
    file = root / FOLDER / key[:2] / key / name(value["started"], process)
    write_json(file, seal(value))


def name(started: float, process: int) -> str:
    """The file of an attempt that began ``started`` seconds after 1970."""
    return f"{round(started * 1e6):0{DIGITS}d}-{process}.json"


def of_key(root: Path, key: str) -> list[dict[str, Any]]:
    """Records of one step, oldest first; MedadError for a damaged one."""
    return [read(path) for path in sorted((root / FOLDER / key[:2] / key).glob("*.json"))]


def every(root: Path) -> Iterator[Path]:
    """Every record file, in a fixed order."""
    yield from sorted((root / FOLDER).glob("*/*/*.json"))
