"""Trunks as teachers, frozen, and as students, which learn."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from medad.backbones.checkpoint import load
from medad.backbones.norm import FixedNorm
from medad.backbones.preprocess import normalise
from medad.backbones.resnet import Trunk, build, rebuild
from medad.backbones.spec import TrunkSpec
from medad.detectors.images import Images
from medad.detectors.pixels import require_side
from medad.detectors.training import Training
from medad.seeds import derive


def frozen_trunk(path: Path, name: str, depth: int, device: str) -> Trunk:
    """The published trunk of a weights file as far as ``depth``, in eval mode, without gradients.

    MedadError when it is another architecture or does not reach as far.
    """
    trunk = rebuild(load(path), TrunkSpec(name, depth=depth), torch.Generator())
    return trunk.to(device).eval().requires_grad_(False)


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


def pixels(images: Images, side: int) -> Tensor:
    """(N, 3, side, side) float32, ImageNet-normalised, channels last, on the CPU."""
    require_side(images, side)
    return normalise(images)


@torch.no_grad()
def embedded(trunk: Trunk, seen: Tensor, layers: tuple[int, ...], device: str) -> dict[int, Tensor]:
    """Layer -> (N, C, h, w) of images (N, 3, H, W), one at a time, on the CPU."""
    each = [trunk(image[None].to(device), layers) for image in seen]
    return {layer: torch.cat([one[layer].cpu() for one in each]) for layer in layers}
