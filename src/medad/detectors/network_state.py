"""What networks learned and how, as tensors by name, and networks from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

import torch
from torch import Tensor, nn

from medad.detectors.curves import HISTORY
from medad.errors import MedadError

Modules = Mapping[str, nn.Module]
Net = TypeVar("Net", bound=nn.Module)


def frozen(modules: Modules) -> None:
    """Make them ready to score: running statistics, no dropout, no gradients."""
    for module in modules.values():
        module.eval().requires_grad_(False)


def collect(modules: Modules, curves: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """``<module>/<name>`` of every weight and statistic, ``history/<term>`` of every curve."""
    tensors = {
        f"{name}/{key}": tensor
        for name, module in modules.items()
        for key, tensor in module.state_dict().items()
    }
    return {**tensors, **{f"{HISTORY}{term}": curve for term, curve in curves.items()}}


def restore(
    make: Callable[[], dict[str, Net]], state: Mapping[str, Tensor], device: str, what: str
) -> tuple[dict[str, Net], dict[str, Tensor]]:
    """Frozen modules and curves of what ``collect`` returned; ``make`` gives the architecture.

    Raises MedadError "not the state of" when names, shapes or types differ.
    """
    with torch.device("meta"):  # draws no weights
        made = make()
    modules = {name: module.to_empty(device=device) for name, module in made.items()}
    expected = {key: (value.shape, value.dtype) for key, value in collect(modules, {}).items()}
    curves = {key: value for key, value in state.items() if key.startswith(HISTORY)}
    found = {key: (v.shape, v.dtype) for key, v in state.items() if key not in curves}
    if found != expected:
        different = sorted(key for key in found | expected if found.get(key) != expected.get(key))
        raise MedadError(
            f"not the state of this {what} (differs in {', '.join(different[:3])}; "
            f"{len(different)} in all); delete the head to fit it again"
        )
    for name, module in modules.items():
        prefix = f"{name}/"
        own = {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}
        module.load_state_dict(own)
    frozen(modules)
    return modules, {key.removeprefix(HISTORY): value for key, value in curves.items()}
