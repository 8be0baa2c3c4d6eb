"""Trunks as teachers, frozen, and as students, which learn."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from medad.backbones.checkpoint import load
from medad.backbones.norm import FixedNorm
from medad.backbones.preprocess import normalise
from medad.backbones.resnet import Trunk, build, rebuild
from medad.backbones.spec import Normalisation, TrunkSpec
from medad.detectors.images import Images
from medad.detectors.pixels import require_side
from medad.detectors.training import Training
from medad.seeds import derive


def frozen_trunk(path: Path, name: str, depth: int, device: str) -> Trunk:
    """The published trunk of a weights file as far as ``depth``, in eval mode, without gradients.

    MedadError when it is another architecture or does not reach as far.
    """
    start = load(path)
    spec = TrunkSpec(name, depth=depth, normalisation=start.spec.normalisation)
    trunk = rebuild(start, spec, torch.Generator())
    return trunk.to(device).eval().requires_grad_(False)


def of_backbone(section: Mapping[str, Any]) -> dict[str, Any]:
    """What a detector that a trunk teaches is to know of its weights, besides the file."""
    return {"backbone": section["name"], "normalisation": section["normalisation"]}


def learning_trunk(name: str, depth: int, training: Training) -> Trunk:
    """A trunk of random weights, initialised as torchvision does it, whose norms learn."""
    generator = torch.Generator().manual_seed(derive(training.seed, {}, "student"))
    trunk = build(TrunkSpec(name, depth=depth), generator)
    _learn_norms(trunk)
    return trunk.train()


def untrained(name: str, depth: int, learns: bool = False) -> Trunk:
    """The architecture alone: a teacher's, or that of a student that ``learns``."""
    trunk = Trunk(TrunkSpec(name, depth=depth))
    if learns:
        _learn_norms(trunk)
    return trunk


def _learn_norms(module: nn.Module) -> None:
    """Ordinary batch normalisation in the place of one whose statistics never move."""
    for name, child in module.named_children():
        if isinstance(child, FixedNorm):
            setattr(module, name, nn.BatchNorm2d(len(child.weight)))
        else:
            _learn_norms(child)


def pixels(images: Images, side: int, normalisation: Normalisation) -> Tensor:
    """(N, 3, side, side) float32, normalised, channels last, on the CPU."""
    require_side(images, side)
    return normalise(images, normalisation)


@torch.no_grad()
def embedded(trunk: Trunk, seen: Tensor, layers: tuple[int, ...], device: str) -> dict[int, Tensor]:
    """Layer -> (N, C, h, w) of images (N, 3, H, W), one at a time, on the CPU."""
    each = [trunk(image[None].to(device), layers) for image in seen]
    return {layer: torch.cat([one[layer].cpu() for one in each]) for layer in layers}
