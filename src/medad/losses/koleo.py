"""KoLeo regulariser (CONSULT eq. 5; Sablayrolles et al. 2018), against collapse of features.

The equation as printed takes the logarithm of norms. The work it cites takes that of the distance
to the nearest other feature, which is what spreads features. Both are here.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import normalize

from medad.errors import MedadError

_EPSILON = 1e-8
_ROWS = 1024


def koleo_nearest(features: Tensor) -> Tensor:
    """-(1/n) sum_i log(min_{j != i} |z_i - z_j| + 1e-8), z = f / |f|, of ``features`` (n, C).

    Differential-entropy estimator of the cited work, on unit vectors as in DINOv2. Lower is more
    spread. Coincident features have no gradient between them. Raises MedadError for n < 2.
    """
    if len(features) < 2:
        raise MedadError(
            f"koleo nearest: got {len(features)} feature, allowed: 2 or more; raise "
            "stage1.consult.healthy, or set stage1.consult.koleo_on to anchor_patches"
        )
    units = normalize(features, dim=1, eps=_EPSILON)
    distances = torch.linalg.vector_norm(units - units[_nearest_other(units)], dim=1)
    return -torch.log(distances + _EPSILON).mean()


def koleo_norm(features: Tensor) -> Tensor:
    """-(1/n) sum_i log(|f_i| + 1e-8) of ``features`` (n, C): equation 5 as printed.

    Its gradient only lengthens features; on unit vectors it is constant.
    """
    return -torch.log(torch.linalg.vector_norm(features, dim=1) + _EPSILON).mean()


@torch.no_grad()
def _nearest_other(units: Tensor) -> Tensor:
    """Index (n,) of the nearest other unit vector, by the largest dot product."""
    nearest = []
    for start in range(0, len(units), _ROWS):
        products = units[start : start + _ROWS] @ units.T
        rows = torch.arange(len(products), device=units.device)
        products[rows, rows + start] = -torch.inf
        nearest.append(products.argmax(dim=1))
    return torch.cat(nearest)
