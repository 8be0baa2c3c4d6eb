"""Fine-tuning of a trunk by classification: CLS of CONSULT's Table 2 (section 4.3.1)."""

from __future__ import annotations

import math
from collections.abc import Mapping
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
    """A trunk, the mean over positions of its deepest layer, and a linear layer to 2 classes."""

    def __init__(self, trunk: Trunk) -> None:
        super().__init__()
        self.trunk = trunk
        width = WIDTHS[trunk.spec.depth] * ARCHITECTURES[trunk.spec.name].expansion
        with torch.device("meta"):
            self.head = nn.Linear(width, 2)
        self.head.to_empty(device="cpu")

    def initialise(self, generator: Generator) -> Classifier:
        """The linear layer as torch does: uniform up to 1 / sqrt(inputs)."""
        bound = 1 / math.sqrt(self.head.in_features)
        with torch.no_grad():
            for parameter in self.head.parameters():
                parameter.uniform_(-bound, bound, generator=generator)
        return self

    def forward(self, images: Tensor) -> Tensor:
        """Logits (N, 2), healthy and anomalous, of normalised images (N, 3, H, W)."""
        depth = self.trunk.spec.depth
        logits: Tensor = self.head(self.trunk(images, [depth])[depth].mean((2, 3)))
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
    pool = Pool.read(pairs, session.device)

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
    right = 0
    for label, images in enumerate((pool.normal, pool.anomalous)):
        for start in range(0, len(images), _AT_ONCE):
            found = model(images[start : start + _AT_ONCE]).argmax(1)
            right += int((found == label).sum())
    return right / (len(pool.normal) + len(pool.anomalous))
