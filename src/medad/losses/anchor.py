"""Anchor (triplet hinge) loss, CONSULT's first approach (eq. 2)."""

from __future__ import annotations

import torch
from torch import Tensor


def anchor(d_pull: Tensor, d_push: Tensor, *, pull: float, push: float, margin: float) -> Tensor:
    """max(0, pull d_pull - push d_push + margin), elementwise.

    ``d_pull``, ``d_push``: distances >= 0 of equal shape. ``pull``, ``push`` and ``margin`` are
    the paper's alpha_0, alpha_1 and m. The gradient is 0 where the hinge is closed.
    """
    return torch.relu(pull * d_pull - push * d_push + margin)
