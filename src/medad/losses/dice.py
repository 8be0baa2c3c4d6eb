"""Soft Dice loss of a binary segmentation (Milletari et al. 2016, without the squares)."""

from __future__ import annotations

import torch
from torch import Tensor


def dice(logits: Tensor, masks: Tensor) -> Tensor:
    """1 - 2 |P T| / (|P| + |T|) over all pixels of a batch, in [0, 1); 0 is a perfect overlap.

    ``logits``: real values, P their sigmoid; ``masks``: T in [0, 1], of the same shape and with at
    least one pixel above 0, so that nothing needs a constant against division by 0.
    """
    chances = torch.sigmoid(logits)
    shared = (chances * masks).sum()
    return 1 - 2 * shared / (chances.sum() + masks.sum())
