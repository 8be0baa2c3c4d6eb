"""Self-similarity loss: mean distance between the patches of one image (CONSULT eq. 4).

Minimising it draws the image's features together.
"""

from __future__ import annotations

import torch
from torch import Tensor

from medad.errors import MedadError

_SMALLEST = 1e-8


def squared_self_similarity(patches: Tensor) -> Tensor:
    """Mean of |p_i - p_j|^2 over the ordered pairs i != j of ``patches`` (N, C), a scalar.

    Computed without any pair, as 2 N / (N - 1) times the sum of the (biased) channel variances,
    which is the same number. Raises MedadError for fewer than two patches.
    """
    count = _count(patches)
    return 2 * count / (count - 1) * patches.var(dim=0, correction=0).sum()


def l2_self_similarity(
    patches: Tensor, generator: torch.Generator | None = None, limit: int = 1024
) -> Tensor:
    """Mean of |p_i - p_j| over the ordered pairs i != j of ``patches`` (N, C), a scalar.

    More than ``limit`` patches are represented by that many, drawn without replacement from
    ``generator`` (a CPU one), which is then required. Squared distances under 1e-8 count as 1e-8
    and have no gradient: the root's slope at 0 is infinite. Raises MedadError for fewer than two
    patches.
    """
    count = _count(patches)
    if count > limit:
        if generator is None:
            raise ValueError(f"{count} patches are more than {limit}: pass a generator")
        chosen = torch.randperm(count, generator=generator)[:limit]
        patches, count = patches[chosen.to(patches.device)], limit
    # Distances do not change by centring, but lose fewer digits to |a|^2 + |b|^2 - 2 a.b.
    centred = patches - patches.mean(dim=0)
    lengths = centred.square().sum(dim=1)
    squares = lengths[:, None] + lengths - 2 * (centred @ centred.T)
    distances = squares.clamp_min(_SMALLEST).sqrt()
    others = ~torch.eye(count, dtype=torch.bool, device=patches.device)
    return (distances * others).sum() / (count * (count - 1))


def _count(patches: Tensor) -> int:
    if len(patches) < 2:
        raise MedadError(
            f"self-similarity: got {len(patches)} patch, allowed: 2 or more; "
            "use a larger image.side or a finer stage1.consult.grid"
        )
    return len(patches)
