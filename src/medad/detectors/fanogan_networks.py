"""Networks of f-AnoGAN at 64 pixels, as small as those of the usual public re-implementation."""

from __future__ import annotations

import torch
from torch import nn

_WIDTHS = (
    16,
    32,
    64,
    128,
)  # channels of the critic and the encoder, at half the side each
_SLOPE = 0.2
_DROPOUT = 0.25


def networks(latent: int, resolution: int, legacy: bool) -> dict[str, nn.Sequential]:
    """``generator``, ``critic`` and ``encoder``, with torch's own initial weights.

    The generator turns (N, latent) into images in [-1, 1]; the critic (features, then one value an
    image) and the encoder turn images into (N, 1) and (N, latent). ``legacy`` has three mistakes
    of the public code: an epsilon of 0.8 in the batch norms, a final tanh in the encoder, and
    batch norm in the critic.
    """
    flat = _WIDTHS[-1] * (resolution // 2 ** len(_WIDTHS)) ** 2
    value = nn.Linear(flat, 1)
    code = [nn.Linear(flat, latent), *([nn.Tanh()] if legacy else [])]
    made = {
        "generator": _generator(latent, resolution, legacy),
        "critic": nn.Sequential(_features(legacy, batch_norm=legacy), value),
        "encoder": nn.Sequential(_features(legacy, batch_norm=True), *code),
    }
    for module in made.values():
        # Convolutions to whole images are quicker on a CPU with channels last.
        module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return made


def _generator(latent: int, resolution: int, legacy: bool) -> nn.Sequential:
    side = resolution // 4
    blocks: list[nn.Module] = []
    for before, after in ((128, 128), (128, 64)):
        blocks += [
            nn.Upsample(scale_factor=2),
            nn.Conv2d(before, after, 3, padding=1),
            _batch_norm(after, legacy),
            nn.LeakyReLU(_SLOPE),
        ]
    return nn.Sequential(
        nn.Linear(latent, 128 * side**2),
        nn.Unflatten(1, (128, side, side)),
        nn.BatchNorm2d(128),
        *blocks,
        nn.Conv2d(64, 3, 3, padding=1),
        nn.Tanh(),
    )


def _features(legacy: bool, batch_norm: bool) -> nn.Sequential:
    """Images -> (N, features), by halving the side four times."""
    layers: list[nn.Module] = []
    before = 3
    for width in _WIDTHS:
        layers += [
            nn.Conv2d(before, width, 3, stride=2, padding=1),
            nn.LeakyReLU(_SLOPE),
            nn.Dropout2d(_DROPOUT),
        ]
        if before != 3:
            # One group is layer norm over (C, H, W) with a scale a channel, as the authors' critic.
            layers.append(_batch_norm(width, legacy) if batch_norm else nn.GroupNorm(1, width))
        before = width
    return nn.Sequential(*layers, nn.Flatten())


def _batch_norm(channels: int, legacy: bool) -> nn.BatchNorm2d:
    """The public code gives 0.8 in the place of epsilon; Keras's momentum .8 is torch's .2."""
    return nn.BatchNorm2d(channels, eps=0.8) if legacy else nn.BatchNorm2d(channels, momentum=0.2)
