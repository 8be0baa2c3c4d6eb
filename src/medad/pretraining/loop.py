"""The training loop that stage-1 methods share: Adam, events, resuming, a stop on NaN."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from medad.errors import MedadError
from medad.files import write_bytes
from medad.pretraining import partial
from medad.pretraining.partial import Event, Progress
from medad.pretraining.session import Session

# Epochs at whose first step the gradient of every term is taken through the whole network.
PROBES = 3


@dataclass(frozen=True)
class Schedule:
    """``epochs`` of ``steps_per_epoch`` steps at a constant ``learning_rate``; 0 epochs is none."""

    epochs: int
    steps_per_epoch: int
    learning_rate: float


@dataclass(frozen=True)
class Step:
    """One forward pass.

    ``features``: what the network made, of any shape; every one of ``terms`` (scalars, weighted,
    whose sum is the loss) depends on the parameters through it alone. ``logged``: what else goes
    into the event.
    """

    features: Tensor
    terms: Mapping[str, Tensor]
    logged: Mapping[str, float]


def run(
    model: nn.Module,
    forward: Callable[[int], Step],
    schedule: Schedule,
    session: Session,
    save_every: float = 5.0,
) -> list[Event]:
    """Train the parameters of ``model`` that require gradients; the last epoch is the result.

    ``forward(index)`` computes step ``index``, counted over all epochs; its random draws may
    depend on nothing but the index, so that a resumed training continues bit for bit.

    An event holds ``epoch``, ``step``, ``loss``, ``loss/<term>``, ``gradient`` (L2 norm over all
    parameters), ``feature_gradient/<term>`` (L2 norm at the features) and what the step logged; at
    the first step of three evenly spaced epochs also ``gradient/<term>``, over all parameters: a
    loss value is not its pull.

    Progress is saved after an epoch when ``save_every`` seconds, and 40 times what the last
    saving took, have passed. Raises MedadError when a term or the gradient is not finite.
    """
    parameters = {name: p for name, p in model.named_parameters() if p.requires_grad}
    optimizer = torch.optim.Adam(parameters.values(), lr=schedule.learning_rate, fused=True)
    progress = partial.restore(session.partial, session.fingerprint, parameters, optimizer)
    session.report(progress.epochs, schedule.epochs, "epoch")
    events, saved, cost = progress.events, time.monotonic(), 0.0
    probe = math.ceil(schedule.epochs / PROBES)
    for epoch in range(progress.epochs, schedule.epochs):
        for number in range(schedule.steps_per_epoch):
            index = epoch * schedule.steps_per_epoch + number
            event: Event = {"epoch": epoch, "step": index}
            event |= _gradients(
                forward(index), parameters, epoch, index, each=number == 0 and epoch % probe == 0
            )
            optimizer.step()
            events.append(event)
            _append(session.live, event | {"time": time.time()})
        if time.monotonic() - saved >= max(save_every, 40 * cost):
            begin = time.monotonic()
            done = Progress(epoch + 1, events)
            partial.save(session.partial, session.fingerprint, done, parameters, optimizer)
            saved = time.monotonic()
            cost = saved - begin
        session.report(epoch + 1, schedule.epochs, f"loss {events[-1]['loss']:.4f}, epoch")
    write_bytes(session.events, b"".join(_line(event) for event in events))
    return events


def _gradients(
    step: Step, parameters: Mapping[str, nn.Parameter], epoch: int, index: int, *, each: bool
) -> Event:
    """Set every parameter's gradient and describe the step.

    The terms are differentiated to the features one by one, which is cheap, and their sum is
    sent through the network once; with ``each``, every term is sent through it by itself.
    """
    where = f"stage 1, epoch {epoch}, step {index}"
    at_features, event = {}, dict(step.logged)
    for name, term in step.terms.items():
        event[f"loss/{name}"] = value = term.item()
        if not math.isfinite(value):
            raise MedadError(f"{where}: {name} is {value}; lower learning_rate or change the loss")
        (gradient,) = torch.autograd.grad(term, step.features, retain_graph=True)
        at_features[name] = gradient
        event[f"feature_gradient/{name}"] = _norm([gradient])
    event["loss"] = sum(event[f"loss/{name}"] for name in step.terms)

    tensors = list(parameters.values())
    if each:
        total = [torch.zeros_like(tensor) for tensor in tensors]
        for name, gradient in at_features.items():
            own = torch.autograd.grad(step.features, tensors, gradient, retain_graph=True)
            event[f"gradient/{name}"] = _norm(own)
            total = [a + b for a, b in zip(total, own, strict=True)]
    else:
        whole = torch.stack(list(at_features.values())).sum(0)
        total = list(torch.autograd.grad(step.features, tensors, whole))
    event["gradient"] = norm = _norm(total)
    if not math.isfinite(norm):
        raise MedadError(f"{where}: the gradient is {norm}; lower learning_rate")
    for tensor, gradient in zip(tensors, total, strict=True):
        # The fused optimizer takes both for the same memory layout, without looking.
        same = gradient.stride() == tensor.stride()
        tensor.grad = gradient if same else torch.empty_like(tensor).copy_(gradient)
    return event


def _norm(tensors: list[Tensor] | tuple[Tensor, ...]) -> float:
    """L2 norm over all elements."""
    return float(torch.stack([tensor.float().norm() for tensor in tensors]).norm())


def _line(event: Mapping[str, float]) -> bytes:
    return json.dumps(event, sort_keys=True, allow_nan=False).encode() + b"\n"


def _append(path: Path, event: Mapping[str, float]) -> None:
    with path.open("ab") as stream:
        stream.write(_line(event))
