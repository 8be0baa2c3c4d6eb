"""Training of the networks of a detector: seeded steps, several optimizers, resuming, no NaN."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn

from medad.errors import MedadError
from medad.files import read_safetensors, write_safetensors
from medad.seeds import derive

Modules = Mapping[str, nn.Module]
Optimizers = Mapping[str, torch.optim.Optimizer]
SAVE_EVERY = 5.0  # seconds


def _silent(done: int, total: int, text: str) -> None:
    """Progress of nobody."""


@dataclass(frozen=True)
class Training:
    """Seed and places of one fit.

    ``seed``: of every draw of this fit. ``folder``: for what to resume from, removable.
    ``fingerprint``: tells whether that is of this fit. ``inputs``: files beside the images, such as
    a teacher's weights. ``report(done, total, text)`` counts steps.
    """

    seed: int
    folder: Path
    fingerprint: str
    device: str = "cpu"
    inputs: Mapping[str, Path] = field(default_factory=dict)
    report: Callable[[int, int, str], None] = _silent

    @contextlib.contextmanager
    def seeded(self, purpose: str, index: int = 0) -> Iterator[None]:
        """torch's own random functions draw from a seed of this purpose; others see no change."""
        devices = [torch.cuda.current_device()] if self.device == "cuda" else []
        with torch.random.fork_rng(devices=devices):
            torch.manual_seed(derive(self.seed, {"index": index}, purpose))
            yield


def run(
    training: Training,
    name: str,
    modules: Modules,
    optimizers: Optimizers,
    step: Callable[[int], Mapping[str, float]],
    steps: int,
    save_every: float = SAVE_EVERY,
) -> dict[str, Tensor]:
    """Call ``step(0)`` to ``step(steps - 1)``; what it returns becomes curves (steps,) float32.

    A step changes ``modules`` by ``optimizers`` (Adam or AdamW) and nothing else that a later step
    depends on; its random draws come from torch's own functions, which are seeded by ``name`` and
    the index. So a training cut short continues bit for bit: the state is saved when
    ``save_every`` seconds, and 40 times what the last saving took, have passed.

    Raises MedadError when a returned value is not finite.
    """
    path = training.folder / f"{name}.safetensors"
    done, history = _restore(path, training, modules, optimizers)
    saved, cost = time.monotonic(), 0.0
    training.report(done, steps, name)
    for index in range(done, steps):
        with training.seeded(name, index):
            values = step(index)
        for term, value in values.items():
            if not math.isfinite(value):
                raise MedadError(
                    f"{name}, step {index}: {term} is {value}; lower the learning rate or change "
                    "the weights of the loss"
                )
            history.setdefault(term, []).append(value)
        if time.monotonic() - saved >= max(save_every, 40 * cost):
            begin = time.monotonic()
            _save(path, training, modules, optimizers, index + 1, history)
            saved = time.monotonic()
            cost = saved - begin
        training.report(index + 1, steps, name)
    return {term: torch.tensor(values, dtype=torch.float32) for term, values in history.items()}


def _save(
    path: Path,
    training: Training,
    modules: Modules,
    optimizers: Optimizers,
    done: int,
    history: Mapping[str, list[float]],
) -> None:
    tensors: dict[str, Tensor] = {}
    for name, module in modules.items():
        for key, tensor in module.state_dict().items():
            tensors[f"module/{name}/{key}"] = tensor
    for name, optimizer in optimizers.items():
        for number, parameter in enumerate(_parameters(optimizer)):
            for key, tensor in optimizer.state[parameter].items():
                tensors[f"optimizer/{name}/{number}/{key}"] = tensor
    metadata = {"fingerprint": training.fingerprint, "done": done, "history": dict(history)}
    write_safetensors(path, tensors, metadata)


@torch.no_grad()
def _restore(
    path: Path, training: Training, modules: Modules, optimizers: Optimizers
) -> tuple[int, dict[str, list[float]]]:
    """Steps done and their curves; an absent, damaged or foreign file leaves all as it was."""
    if not path.is_file():
        return 0, {}
    try:
        tensors, metadata = read_safetensors(path)
    except MedadError:
        return 0, {}
    if not isinstance(metadata, dict) or metadata.get("fingerprint") != training.fingerprint:
        return 0, {}
    for name, module in modules.items():
        for key, tensor in module.state_dict().items():
            # copy_ keeps the memory layout, which decides the kernels and with them the last bits.
            tensor.copy_(tensors[f"module/{name}/{key}"])
    for name, optimizer in optimizers.items():
        for number, parameter in enumerate(_parameters(optimizer)):
            prefix = f"optimizer/{name}/{number}/"
            for full, tensor in tensors.items():
                if full.startswith(prefix):
                    same = tensor.shape == parameter.shape and tensor.ndim > 0
                    kept = torch.zeros_like(parameter).copy_(tensor) if same else tensor
                    optimizer.state[parameter][full.removeprefix(prefix)] = kept
    return int(metadata["done"]), dict(metadata["history"])


def _parameters(optimizer: torch.optim.Optimizer) -> list[Tensor]:
    return [parameter for group in optimizer.param_groups for parameter in group["params"]]
