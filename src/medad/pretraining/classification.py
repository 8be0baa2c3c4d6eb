"""Fine-tuning of a trunk by classification: CLS of CONSULT's Table 2 (section 4.3.1)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Generator, Tensor, nn

from medad.backbones.resnet import Trunk
from medad.backbones.spec import ARCHITECTURES, WIDTHS
from medad.pretraining.loop import Step, run
from medad.pretraining.pool import Pool
from medad.pretraining.session import Adapted, Session
from medad.pretraining.supervised import SupervisedParams, draw, finish, place, prepare

_AT_ONCE = 16  # images classified together after training; changes no result but its last bits


class Classifier(nn.Module):
    """A trunk, the mean over positions of its deepest layer, and a linear layer to 2 classes.

    The means are centred and scaled by what they are before training (``centre``): between images
    they differ by a hundredth of their length, and a linear layer on them as they are stays at
    chance for hundreds of steps.
    """

    def __init__(self, trunk: Trunk) -> None:
        super().__init__()
        self.trunk = trunk
        width = WIDTHS[trunk.spec.depth] * ARCHITECTURES[trunk.spec.name].expansion
        with torch.device("meta"):
            self.head = nn.Linear(width, 2)
        self.head.to_empty(device="cpu")
        self.register_buffer("shift", torch.zeros(width))
        self.register_buffer("scale", torch.ones(()))

    def initialise(self, generator: Generator) -> Classifier:
        """The linear layer as torch does: uniform up to 1 / sqrt(inputs)."""
        bound = 1 / math.sqrt(self.head.in_features)
        with torch.no_grad():
            for parameter in self.head.parameters():
                parameter.uniform_(-bound, bound, generator=generator)
        return self

    @torch.no_grad()
    def centre(self, batches: Iterable[Tensor]) -> None:
        """Take every channel's mean, and the standard deviation over all, from images as they now
        are to the trunk."""
        found = torch.cat([self.pooled(images) for images in batches])
        self.get_buffer("shift").copy_(found.mean(0))
        deviation = (found - found.mean(0)).square().mean().sqrt()
        if deviation > 0:  # not where all images are the same
            self.get_buffer("scale").copy_(deviation)

    def pooled(self, images: Tensor) -> Tensor:
        """(N, C) means over positions of the deepest layer."""
        depth = self.trunk.spec.depth
        found: Tensor = self.trunk(images, [depth])[depth].mean((2, 3))
        return found

    def forward(self, images: Tensor) -> Tensor:
        """Logits (N, 2), healthy and anomalous, of normalised images (N, 3, H, W)."""
        shift, scale = self.get_buffer("shift"), self.get_buffer("scale")
        logits: Tensor = self.head((self.pooled(images) - shift) / scale)
        return logits


def train(start: Trunk, pairs: Path, params: Mapping[str, Any], session: Session) -> Adapted:
    """Tune a copy of ``start`` to tell the healthy images of a pairs file from the anomalous.

    ``params``: at least the keys of ``SupervisedParams``. Healthy are the originals and all of
    ``healthy``; the loss is cross entropy, half of a batch being of each class. Batch-norm
    statistics stay, their affine part learns. The last epoch is the result; the linear layer is
    dropped. The facts hold ``accuracy``, of the trained network on all images that it was trained
    on, in [0, 1], and ``healthy``, ``anomalous``: how many those are.

    Raises MedadError for wrong parameters, a pool without images of both kinds, and a loss that is
    not finite.
    """
    chosen = SupervisedParams.of(params)
    trunk = prepare(start, chosen)
    model = Classifier(trunk).initialise(Generator().manual_seed(session.attention_seed))
    place(model, session.device)
    pool = Pool.read(pairs, session.device, trunk.spec.normalisation)
    model.centre(images for _, images in _batches(pool))

    def forward(step: int) -> Step:
        batch = draw(pool, np.random.default_rng((session.batch_seed, step)), chosen.batch)
        logits = model(torch.cat([pool.normal[batch.normal], pool.anomalous[batch.anomalous]]))
        classes = torch.tensor([0, 1], device=logits.device).repeat_interleave(chosen.batch // 2)
        right = float((logits.argmax(1) == classes).float().mean())
        loss = nn.functional.cross_entropy(logits, classes)
        return Step(logits, {"cross_entropy": loss}, {"accuracy": right})

    run(model, forward, chosen.schedule, session)
    facts = {
        "accuracy": accuracy(model, pool),
        "healthy": len(pool.normal),
        "anomalous": len(pool.anomalous),
    }
    return Adapted(finish(trunk), facts)


@torch.no_grad()
def accuracy(model: Classifier, pool: Pool) -> float:
    """Fraction of all images of a pool that get their own class."""
    right = sum(int((model(images).argmax(1) == label).sum()) for label, images in _batches(pool))
    return right / (len(pool.normal) + len(pool.anomalous))


def _batches(pool: Pool) -> Iterator[tuple[int, Tensor]]:
    """All images of a pool, a few at a time, with their class."""
    for label, images in enumerate((pool.normal, pool.anomalous)):
        for part in torch.split(images, _AT_ONCE):
            yield label, part
