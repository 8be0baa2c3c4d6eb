"""Made-up features of many images, for the batteries of detectors that read them."""

import torch


def drawn(channels, count, seed, side=32):
    """Features as a ResNet gives them: not negative, and smooth from image to image.

    ``channels``: of each layer; a cell of layer 1 is 4 pixels of ``side``.
    """
    generator = torch.Generator().manual_seed(seed)
    shared = torch.Generator().manual_seed(99)
    layers = {}
    for layer, depth in channels.items():
        size = side // 2 ** (layer + 1)
        base = torch.randn(1, depth, size, size, generator=shared)
        noise = torch.randn(count, depth, size, size, generator=generator)
        layers[layer] = (base + 0.3 * noise).relu()
    return layers


def take(features, which):
    """Some of the images."""
    return {layer: maps[which] for layer, maps in features.items()}
