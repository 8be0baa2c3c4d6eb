"""A training that was cut short: parameters, Adam's state and events in one file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from medad.errors import MedadError
from medad.files import read_safetensors, write_safetensors

_MOMENTS = ("exp_avg", "exp_avg_sq")
Event = dict[str, float]


@dataclass(frozen=True)
class Progress:
    """Epochs done, and the events of their steps."""

    epochs: int
    events: list[Event]


def save(
    path: Path,
    fingerprint: str,
    progress: Progress,
    parameters: Mapping[str, nn.Parameter],
    optimizer: torch.optim.Adam,
) -> None:
    """Write everything that the next epoch depends on, atomically."""
    tensors: dict[str, Tensor] = {}
    for name, parameter in parameters.items():
        tensors[f"parameter/{name}"] = parameter
        for moment in _MOMENTS:
            tensors[f"{moment}/{name}"] = optimizer.state[parameter][moment]
    metadata = {
        "fingerprint": fingerprint,
        "epochs": progress.epochs,
        "events": progress.events,
    }
    write_safetensors(path, tensors, metadata)


@torch.no_grad()
def restore(
    path: Path,
    fingerprint: str,
    parameters: Mapping[str, nn.Parameter],
    optimizer: torch.optim.Adam,
) -> Progress:
    """Put a saved state into ``parameters`` and ``optimizer``.

    An absent or damaged file, or one of another training, leaves them alone: nothing was done.
    """
    nothing = Progress(0, [])
    if not path.is_file():
        return nothing
    try:
        tensors, metadata = read_safetensors(path)
    except MedadError:
        return nothing
    if not isinstance(metadata, dict) or metadata.get("fingerprint") != fingerprint:
        return nothing
    events: list[Event] = metadata["events"]
    for name, parameter in parameters.items():
        # copy_ keeps the memory layout, which decides the kernels and with them the last bits.
        parameter.copy_(tensors[f"parameter/{name}"])
        state: dict[str, Any] = {"step": torch.tensor(float(len(events)), device=parameter.device)}
        for moment in _MOMENTS:
            state[moment] = torch.zeros_like(parameter).copy_(tensors[f"{moment}/{name}"])
        optimizer.state[parameter] = state
    return Progress(int(metadata["epochs"]), events)
