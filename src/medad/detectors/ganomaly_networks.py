"""Networks of GANomaly: DCGAN-like encoders, a decoder, a discriminator; no biases."""

from __future__ import annotations

from torch import nn

_SLOPE = 0.2


def networks(
    resolution: int, latent: int, features: int, anomalib: bool
) -> dict[str, nn.Sequential]:
    """``encoder``, ``decoder``, ``reencoder`` and ``discriminator``, drawn as DCGAN's.

    Encoders turn (N, 3, resolution, resolution) into (N, latent, 1, 1), the decoder turns that into
    images in [-1, 1], and the discriminator has two parts: features (N, C, 4, 4), and a logit
    (N, 1, 1, 1) from them. The first convolution has ``features`` channels; every halving doubles
    them. ``anomalib``: the first convolution is padded by 4 pixels and not by 1, and the initial
    weights are torch's own, as in that library.
    """
    padding = 4 if anomalib else 1
    made = {
        "encoder": nn.Sequential(*_down(resolution, latent, features, padding)),
        "decoder": nn.Sequential(*_up(resolution, latent, features)),
        "reencoder": nn.Sequential(*_down(resolution, latent, features, padding)),
        "discriminator": _discriminator(resolution, features, padding),
    }
    if not anomalib:
        for module in made.values():
            module.apply(_dcgan)
    return made


def _discriminator(resolution: int, features: int, padding: int) -> nn.Sequential:
    *layers, last = _down(resolution, 1, features, padding)
    return nn.Sequential(nn.Sequential(*layers), last)


def _down(resolution: int, latent: int, features: int, padding: int) -> list[nn.Module]:
    layers: list[nn.Module] = [
        nn.Conv2d(3, features, 4, stride=2, padding=padding, bias=False),
        nn.LeakyReLU(_SLOPE),
    ]
    for width in _widths(resolution, features):
        layers += [
            nn.Conv2d(width, 2 * width, 4, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(2 * width),
            nn.LeakyReLU(_SLOPE),
        ]
    return [*layers, nn.Conv2d(_widest(resolution, features), latent, 4, bias=False)]


def _up(resolution: int, latent: int, features: int) -> list[nn.Module]:
    widest = _widest(resolution, features)
    layers: list[nn.Module] = [
        nn.ConvTranspose2d(latent, widest, 4, bias=False),
        nn.BatchNorm2d(widest),
        nn.ReLU(),
    ]
    for width in reversed(_widths(resolution, features)):
        layers += [
            nn.ConvTranspose2d(2 * width, width, 4, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
        ]
    return [
        *layers,
        nn.ConvTranspose2d(features, 3, 4, stride=2, padding=1, bias=False),
        nn.Tanh(),
    ]


def _widths(resolution: int, features: int) -> list[int]:
    """Channels before each halving from resolution / 2 to 4 pixels."""
    halvings = (resolution // 8).bit_length() - 1
    return [features * 2**number for number in range(halvings)]


def _widest(resolution: int, features: int) -> int:
    """Channels at 4 x 4 pixels."""
    return features * (resolution // 8)


def _dcgan(module: nn.Module) -> None:
    """Radford et al. 2016: weights from N(0, 0.02), scales of batch norms from N(1, 0.02)."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(module.weight, 0.0, 0.02)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0, 0.02)
