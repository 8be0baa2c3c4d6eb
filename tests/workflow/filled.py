"""Weights and images by formula, the same for our networks and for a peer's."""

import torch


@torch.no_grad()
def fill(module, first=0):
    """Tensor i in the order of the module, from ``first`` on, is a sine of frequency i."""
    for number, tensor in enumerate(module.parameters(), first):
        count = tensor.numel()
        fan = max(1, count // tensor.shape[0])
        wave = torch.sin(torch.arange(count, dtype=torch.float64) * (1.7 + number) + number)
        tensor.copy_((wave * (2 / fan) ** 0.5).reshape(tensor.shape))
    return module.eval()


def image(side):
    """(1, 3, side, side) in [0, 1]."""
    at = torch.arange(3 * side * side, dtype=torch.float64)
    return (0.5 + 0.5 * torch.sin(at * at * 0.001)).reshape(1, 3, side, side).float()
