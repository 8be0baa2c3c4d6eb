"""Fine-tuning of a trunk by segmentation: SEG of CONSULT's Table 2 (section 4.3.1)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Generator, Tensor, nn

from medad.backbones.resnet import Trunk
from medad.backbones.spec import ARCHITECTURES, WIDTHS
from medad.errors import MedadError
from medad.losses.dice import dice
from medad.pretraining.loop import Step, run
from medad.pretraining.pool import Pool
from medad.pretraining.session import Adapted, Session
from medad.pretraining.supervised import (
    Chosen,
    SupervisedParams,
    draw,
    finish,
    place,
    prepare,
    sweep,
)
from medad.pretraining.unetpp import NestedDecoder, initialise

# Channels of the decoder at strides 16, 8, 4, 2 and 1, as in segmentation-models-pytorch; a trunk
# without layer 4 has no use for the first.
_WIDTHS = (256, 128, 64, 32, 16)
_STEM = 64


class Segmenter(nn.Module):
    """UNet++ with a trunk as its encoder, whose levels are the stem's output and every stage's."""

    def __init__(self, trunk: Trunk) -> None:
        super().__init__()
        self.trunk = trunk
        spec = trunk.spec
        expansion = ARCHITECTURES[spec.name].expansion
        stages = [WIDTHS[stage] * expansion for stage in range(1, spec.depth + 1)]
        with torch.device("meta"):
            self.decoder = NestedDecoder([_STEM, *stages], _WIDTHS[-spec.depth - 1 :])
            self.head = nn.Conv2d(_WIDTHS[-1], 1, 3, padding=1)
        for part in (self.decoder, self.head):
            part.to_empty(device="cpu")

    def initialise(self, generator: Generator) -> Segmenter:
        """The decoder by ``medad.pretraining.unetpp.initialise``, the head by Glorot and Bengio."""
        initialise(self.decoder, generator)
        nn.init.xavier_uniform_(self.head.weight, generator=generator)
        nn.init.constant_(self.head.get_parameter("bias"), 0.0)
        return self

    def levels(self, images: Tensor) -> list[Tensor]:
        """Outputs of the stem before its pooling (stride 2) and of every stage (4, 8, ...)."""
        trunk = self.trunk
        found = [trunk.act(trunk.bn1(trunk.conv1(images)))]
        x = nn.functional.max_pool2d(found[0], 3, 2, 1)
        for stage in range(1, trunk.spec.depth + 1):
            x = trunk.get_submodule(f"layer{stage}")(x)
            found.append(x)
        return found

    def forward(self, images: Tensor) -> Tensor:
        """Logits (N, 1, H, W) of the lesion, of normalised images (N, 3, H, W)."""
        logits: Tensor = self.head(self.decoder(self.levels(images), images.shape[-2:]))
        return logits


def train(start: Trunk, pairs: Path, params: Mapping[str, Any], session: Session) -> Adapted:
    """Tune a copy of ``start`` as the encoder of a UNet++ that finds the lesions of a pairs file.

    ``params``: at least the keys of ``SupervisedParams``. Half of a batch are healthy images, all
    background. The loss is soft Dice over the batch plus binary cross entropy. The trunk's
    batch-norm statistics stay, their affine part learns; the decoder's are those of the batch. The
    last epoch is the result; the decoder is dropped. The facts hold ``iou``, of the trained network
    on all images that it was trained on (see ``iou``), and ``healthy``, ``anomalous``: how many
    those are.

    Raises MedadError for wrong parameters, a pool without images of both kinds, an anomalous image
    without a lesion in its mask, and a loss that is not finite.
    """
    chosen = SupervisedParams.of(params)
    trunk = prepare(start, chosen)
    model = Segmenter(trunk).initialise(Generator().manual_seed(session.attention_seed))
    place(model, session.device)
    pool = Pool.read(pairs, session.device, trunk.spec.normalisation)
    empty = int((pool.masks.amax((1, 2, 3)) == 0).sum())
    if empty:
        raise MedadError(
            f"stage1.segmentation: {empty} of {len(pool.masks)} anomalous images have an empty "
            "mask; set synthesis.test_images.unmasked to drop, or add masks"
        )

    def forward(step: int) -> Step:
        batch = draw(pool, np.random.default_rng((session.batch_seed, step)), chosen.batch)
        images, masks = _batch(pool, batch)
        logits = model(images)
        terms = {
            "dice": dice(logits, masks),
            "bce": nn.functional.binary_cross_entropy_with_logits(logits, masks),
        }
        return Step(logits, terms, {})

    run(model, forward, chosen.schedule, session)
    facts = {
        "iou": iou(model, pool, chosen.batch),
        "healthy": len(pool.normal),
        "anomalous": len(pool.anomalous),
    }
    return Adapted(finish(trunk), facts)


@torch.no_grad()
def iou(model: Segmenter, pool: Pool, batch: int) -> float:
    """Intersection over union of lesion pixels at probability 0.5, over all images of a pool.

    The decoder has the statistics of its batch, as in training, so the batches are fixed and
    composed as in training; a healthy or anomalous image that fills up a batch counts once.
    """
    both = either = 0
    left = [len(pool.normal), len(pool.anomalous)]
    for chosen in sweep(pool, batch):
        images, masks = _batch(pool, chosen)
        found, truth = model(images) > 0, masks > 0
        half = len(chosen.normal)
        for kind in (0, 1):
            fresh = slice(kind * half, kind * half + min(half, left[kind]))
            left[kind] -= fresh.stop - fresh.start
            both += int((found[fresh] & truth[fresh]).sum())
            either += int((found[fresh] | truth[fresh]).sum())
    return both / either


def _batch(pool: Pool, chosen: Chosen) -> tuple[Tensor, Tensor]:
    """Images (N, 3, H, W) and masks (N, 1, H, W), healthy ones first."""
    images = torch.cat([pool.normal[chosen.normal], pool.anomalous[chosen.anomalous]])
    masks = pool.masks[chosen.anomalous]
    nothing = masks.new_zeros((len(chosen.normal), *masks.shape[1:]))
    return images, torch.cat([nothing, masks])
