"""EfficientAD's training of a student and an auto-encoder on what the teacher says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from medad.detectors.alterations import jitter, normalised
from medad.detectors.efficientad_parameters import EfficientADParameters
from medad.detectors.pdn import AutoEncoder, PatchDescription
from medad.detectors.training import Training, run


@dataclass(frozen=True)
class Networks:
    """Three networks, and the teacher's mean and deviation (C, 1, 1) on healthy images."""

    teacher: PatchDescription
    student: PatchDescription
    autoencoder: AutoEncoder
    mean: Tensor
    deviation: Tensor

    def told(self, images: Tensor) -> Tensor:
        """What the teacher says of images, standardised, without gradients."""
        with torch.no_grad():
            described: Tensor = self.teacher(normalised(images))
            return (described - self.mean) / self.deviation


def hard_loss(errors: Tensor, quantile: float) -> Tensor:
    """Mean of the errors that are at least their ``quantile`` (linear between ranks).

    As ``torch.quantile``, which sorts all of them and takes 2^24 at most.
    """
    flat = errors.detach().flatten()
    rank = quantile * (len(flat) - 1)
    below = int(rank)
    top = flat.topk(len(flat) - below).values
    threshold = top[-1]
    if below + 1 < len(flat):
        threshold = torch.lerp(top[-1], top[-2], rank - below)
    return errors[errors >= threshold].mean()


def train(
    params: EfficientADParameters,
    networks: Networks,
    shots: Tensor,
    foreign: Callable[[], Tensor] | None,
    training: Training,
) -> Mapping[str, Tensor]:
    """Train student and auto-encoder; returns the curves of the terms, whose sum is the loss.

    ``shots``: (K, 3, side, side) in [0, 1], of which every step sees one, each once in every K
    steps. ``foreign``: draws an image for the penalty.
    """
    half = params.channels
    student, autoencoder = networks.student, networks.autoencoder
    optimizer = torch.optim.Adam(
        [*student.parameters(), *autoencoder.parameters()],
        params.learning_rate,
        weight_decay=params.weight_decay,
    )
    told = [networks.told(shot[None]) for shot in shots]

    def step(index: int) -> dict[str, float]:
        last = index >= int(0.95 * params.steps)
        for group in optimizer.param_groups:
            group["lr"] = params.learning_rate * (0.1 if last else 1)
        shot = _shot(training, index, len(shots))
        image = shots[shot : shot + 1]
        errors = (told[shot] - student(normalised(image), slice(half))).square()
        terms = {"hard": hard_loss(errors, params.hard)}
        if foreign is not None:
            said = student(normalised(foreign()), slice(half))
            terms["penalty"] = said.square().mean()
        changed = jitter(image, params.jitter)
        rebuilt = autoencoder(normalised(changed))
        terms["autoencoder"] = (networks.told(changed) - rebuilt).square().mean()
        seen = student(normalised(changed), slice(half, None))
        terms["student_autoencoder"] = (rebuilt - seen).square().mean()
        optimizer.zero_grad()
        loss = torch.stack(list(terms.values())).sum()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        return {name: term.item() for name, term in terms.items()}

    student.train()
    autoencoder.train()
    modules = {"student": student, "autoencoder": autoencoder}
    curves = run(training, "student", modules, {"student": optimizer}, step, params.steps)
    student.eval()
    autoencoder.eval()
    return curves


def _shot(training: Training, index: int, count: int) -> int:
    """The shot of a step: another order of all of them every ``count`` steps."""
    with training.seeded("order", index // count):
        return int(torch.randperm(count)[index % count])
