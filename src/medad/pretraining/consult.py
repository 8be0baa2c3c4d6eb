"""CONSULT stage 1: context-aware contrastive tuning of a trunk (Sections 3.3 and 3.4)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Generator, Tensor

from medad.backbones.pyramid import aggregate
from medad.backbones.resnet import Trunk, attentions, rebuild
from medad.backbones.spec import TrunkSpec
from medad.pretraining.loop import Schedule, Step, run
from medad.pretraining.objective import initial_scale, terms
from medad.pretraining.parameters import ConsultParams
from medad.pretraining.pool import Batch, Pool, draw
from medad.pretraining.session import Adapted, Session


def train(start: Trunk, pairs: Path, params: Mapping[str, Any], session: Session) -> Adapted:
    """Tune a copy of ``start`` on the pairs file of one draw.

    ``params``: at least the keys of ``ConsultParams``. The trunk gets the activation and the
    attention asked for; batch-norm statistics stay, their affine part learns. The last epoch is
    the result, mixed with the start by ``interpolate``. Layers beyond the deepest one trained keep
    their weights; beyond layer 3 they are dropped. The trunk comes back in eval mode on the CPU.
    The facts hold ``distance_scale``.

    Raises MedadError for wrong parameters, a pool without the images of a step, a start without
    the layers asked for, and a loss that is not finite.
    """
    chosen = ConsultParams.of(params)
    spec = TrunkSpec(
        name=start.spec.name,
        activation=chosen.activation,
        slope=chosen.slope,
        attention=chosen.attention,
        placement=chosen.placement,
        attention_init=chosen.attention_init,
        depth=max(3, *chosen.layers),
        normalisation=start.spec.normalisation,
    )
    trunk = rebuild(start, spec, Generator().manual_seed(session.attention_seed))
    trunk.to(session.device)
    # Channels last is the layout CPU and GPU kernels compute in: a tenth faster.
    trunk.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    _choose_trainable(trunk, chosen)
    begin = {name: tensor.clone() for name, tensor in trunk.state_dict().items()}
    pool = Pool.read(pairs, session.device, spec.normalisation)

    def batch_of(step: int) -> tuple[Batch, Generator]:
        rng = np.random.default_rng((session.batch_seed, step))
        everyone = chosen.distance == "nearest_shots"
        batch = draw(pool, rng, chosen.healthy, chosen.anomalous, all_shots=everyone)
        return batch, Generator().manual_seed(int(rng.integers(1 << 63)))

    with torch.no_grad():
        # From the untrained trunk, so that a resumed training finds the same number.
        batch, _ = batch_of(0)
        needed = chosen.epochs > 0 and chosen.distance_scale == "initial"
        scale = (
            initial_scale(features(trunk, batch.images, chosen), batch, chosen) if needed else 1.0
        )

    def forward(step: int) -> Step:
        batch, generator = batch_of(step)
        made = features(trunk, batch.images, chosen)
        weighted, logged = terms(made, batch, chosen, scale, generator)
        return Step(made, weighted, logged)

    run(
        trunk,
        forward,
        Schedule(chosen.epochs, chosen.steps_per_epoch, chosen.learning_rate),
        session,
    )
    _interpolate(trunk, begin, chosen.interpolate)
    trunk.to("cpu").to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    return Adapted(trunk, {"distance_scale": scale})


def features(trunk: Trunk, images: Tensor, params: ConsultParams) -> Tensor:
    """(n, C, h, w) float32: the layers on one grid, of unit length per position if asked for."""
    half = params.precision == "bfloat16"
    with torch.autocast(images.device.type, torch.bfloat16, enabled=half):
        pyramid = trunk(images, params.layers)
    pyramid = {layer: output.float() for layer, output in pyramid.items()}
    made = aggregate(pyramid, params.layers, params.grid, params.pool)
    return torch.nn.functional.normalize(made, dim=1) if params.normalise else made


def _choose_trainable(trunk: Trunk, params: ConsultParams) -> None:
    """Require gradients of what the losses reach and ``trainable`` names, and of nothing else."""
    gates = tuple(f"{name}." for name in attentions(trunk))
    beyond = tuple(
        f"{kind}{layer}."
        for kind in ("layer", "attention")
        for layer in range(1, 5)
        if layer > max(params.layers)
    )
    for name, parameter in trunk.named_parameters():
        chosen = params.trainable == "all" or name.startswith(gates)
        parameter.requires_grad_(chosen and not name.startswith(beyond))


@torch.no_grad()
def _interpolate(trunk: Trunk, begin: Mapping[str, Tensor], a: float) -> None:
    """(1 - a) start + a trained, of every weight that means something at the start.

    Identity gates do: at a = 0 they multiply by exactly 1, and the trunk is the start with another
    activation. Ordinary and reference gates start at random and stay as trained.
    """
    if a == 1:
        return
    fixed = () if trunk.spec.attention_init == "identity" else tuple(attentions(trunk))
    for name, parameter in trunk.named_parameters():
        if not name.startswith(tuple(f"{gate}." for gate in fixed)):
            # lerp's own arithmetic gives the start exactly at 0.
            parameter.copy_(torch.lerp(begin[name], parameter, a))
