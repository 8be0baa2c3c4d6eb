"""What a stage-1 method gets beside its data, and what it returns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from medad.backbones.resnet import Trunk


def _silent(done: int, total: int, text: str) -> None:
    """Progress of nobody."""


@dataclass(frozen=True)
class Session:
    """Seeds and places of one training.

    ``attention_seed`` initialises what the start trunk has not; ``batch_seed`` with the number of
    a step gives the draws of that step. ``events``: file written at the end, one JSON line per
    step, deterministic. ``live``: the same lines with times, appended as they happen. ``partial``:
    file to resume from, removable. ``fingerprint``: tells whether ``partial`` is of this training.
    ``report(done, total, text)`` counts epochs.
    """

    attention_seed: int
    batch_seed: int
    events: Path
    live: Path
    partial: Path
    fingerprint: str
    device: str = "cpu"
    report: Callable[[int, int, str], None] = _silent


@dataclass(frozen=True)
class Adapted:
    """A trained trunk in eval mode, and facts (JSON values) that belong in its file."""

    trunk: Trunk
    facts: Mapping[str, object] = field(default_factory=dict)
