"""What a step function gets: its inputs, parameters and where to write, nothing global."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from medad.seeds import derive


def _silent(done: int, total: int, text: str) -> None:
    """Progress of nobody."""


@dataclass(frozen=True)
class Task:
    """One unit of work. A step function reads ``inputs`` and writes every path of ``outputs``.

    ``identity``: what is made (dataset, split, method, k, r, as far as they apply).
    ``params``: the resolved parameters, by value. ``inputs``: name to file; their content is in
    the step's key. ``locations``: name to folder or archive whose content is vouched for by
    hashes inside ``inputs`` and must be checked when read; not in the key. ``outputs``: name to a
    temporary file with the final suffix. ``scratch``: a folder that survives a kill, for resuming.
    ``cache``: a shared, removable folder. ``live``: file for live events. ``memory``: bytes for
    large arrays (``medad.room``). ``report(done, total, text)`` tells the terminal how far the step
    is.
    """

    kind: str
    identity: Mapping[str, str | int]
    params: Mapping[str, Any]
    inputs: Mapping[str, Path]
    outputs: Mapping[str, Path]
    scratch: Path
    cache: Path
    live: Path
    threads: int = 1
    device: str = "cpu"
    memory: int = 1 << 32
    locations: Mapping[str, Path] = field(default_factory=dict)
    report: Callable[[int, int, str], None] = _silent
    seeds: dict[str, int] = field(default_factory=dict)

    def seed(self, purpose: str, *names: str) -> int:
        """Seed of one draw, remembered for the manifest.

        ``names`` are the identity fields the draw depends on (all of them when omitted).
        """
        chosen = {name: self.identity[name] for name in names or self.identity}
        value = derive(int(self.params["seed"]), chosen, purpose)
        self.seeds[purpose] = value
        return value
