"""ADFA's loss and score: soft distances of patches to their k nearest centres (equations 4 to 6).

Of an image at 224 pixels there are 3136 x 3136 distances, of which the weights and their gradient
are as many again. Images go one by one and rows a few at a time, and the gradient is found on the
way, so that no more than one image's distances is ever held.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from medad.errors import MedadError
from medad.losses.soft_topk import gradient, largest, weights

_ROWS = 64  # whose weights are in the processor's cache


@dataclass(frozen=True)
class Nearest:
    """How a patch is held against the centres.

    ``k``: centres near it that count. ``epsilon``: of SOFT top-k; None takes the k nearest, hard.
    ``squared``: squared distances instead of Euclidean ones. ``together``: the cost that makes
    SOFT top-k independent of scale is the largest of all images of a batch, as in the authors' code
    (a score then depends on the others in its batch), instead of the image's own.
    """

    k: int
    epsilon: float | None
    squared: bool
    together: bool

    def __post_init__(self) -> None:
        if self.k < 1:
            raise MedadError(f"k: got {self.k}, allowed: 1 or more")
        if self.epsilon is not None and not self.epsilon > 0:
            raise MedadError(f"epsilon: got {self.epsilon}, allowed: above 0")


def soft_distances(
    patches: Tensor, centres: Tensor, nearest: Nearest, factors: Tensor | None = None
) -> Tensor:
    """(B, P): sum_j Z_j D_j of every patch, Z the weights of its distances D to the centres.

    ``patches``: (B, P, C). ``centres``: (M, C), constants, M above k. ``factors``: (B,), by which
    the distances of an image are multiplied; constants. The mean is the loss of equation 5, the
    largest of an image its score (equation 6). Differentiable once with respect to ``patches``.
    """
    if not nearest.k < len(centres):
        raise MedadError(f"k: got {nearest.k}, allowed: below the number of centres {len(centres)}")
    if factors is None:
        factors = patches.new_ones(len(patches))
    apply: Callable[..., Tensor] = _SoftDistances.apply
    return apply(patches, centres.detach(), nearest, factors.detach())


@torch.no_grad()
def topk_mass(patches: Tensor, centres: Tensor, nearest: Nearest, factor: float = 1.0) -> Tensor:
    """(P,): the part of the weights of every patch (P, C) that its k nearest centres have.

    1 for a hard choice; k / M when all M centres count the same.
    """
    if nearest.epsilon is None:
        return patches.new_ones(len(patches))
    scores = _distances(patches, centres, nearest.squared) * factor
    cost, mass = largest(scores, (0, 1)), []
    for begin in range(0, len(scores), _ROWS):
        rows = scores[begin : begin + _ROWS]
        found = weights((2 * rows - 1) / cost, nearest.k, nearest.epsilon)
        mass.append(found.topk(nearest.k, 1).values.sum(1) / nearest.k)
    return torch.cat(mass)


class _SoftDistances(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, patches: Tensor, centres: Tensor, nearest: Nearest, factors: Tensor
    ) -> Tensor:
        wanted = ctx.needs_input_grad[0]
        values = patches.new_empty(patches.shape[:2])
        slopes = torch.empty_like(patches) if wanted else None
        shared = None
        if nearest.together and nearest.epsilon is not None:
            costs = [
                largest(_distances(image, centres, nearest.squared) * factor, (0, 1))
                for image, factor in zip(patches, factors, strict=True)
            ]
            shared = torch.stack(costs).amax(0)
        for number, (image, factor) in enumerate(zip(patches, factors, strict=True)):
            scores = _distances(image, centres, nearest.squared) * factor
            cost = largest(scores, (0, 1)) if shared is None else shared
            rows = _ROWS if image.device.type == "cpu" else len(image)
            for begin in range(0, len(image), rows):
                part = slice(begin, begin + rows)
                value, slope = _weighted(scores[part], cost, nearest, wanted)
                values[number, part] = value
                if slopes is not None and slope is not None:
                    slope = _inwards(slope, scores[part], factor, nearest.squared)
                    toward = slope.sum(1, keepdim=True) * image[part]
                    slopes[number, part] = torch.addmm(toward, slope, centres, alpha=-1)
        if slopes is not None:
            ctx.save_for_backward(slopes)
        return values

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor, None, None, None]:
        (slopes,) = ctx.saved_tensors
        return upstream[:, :, None] * slopes, None, None, None


def _distances(patches: Tensor, centres: Tensor, squared: bool) -> Tensor:
    """(P, M), squared or not; the products are about a common middle, which keeps small ones."""
    middle = centres.mean(0)
    p, c = patches - middle, centres - middle
    lengths = p.square().sum(1, keepdim=True) + c.square().sum(1)
    found = torch.addmm(lengths, p, c.T, alpha=-2).clamp_(min=0)
    return found if squared else found.sqrt_()


def _weighted(
    scores: Tensor, cost: Tensor, nearest: Nearest, wanted: bool
) -> tuple[Tensor, Tensor | None]:
    """(m,) values of rows (m, M) of scores, and their gradient with respect to the scores."""
    if nearest.epsilon is None:
        chosen = scores.topk(nearest.k, 1, largest=False)
        slope = torch.zeros_like(scores).scatter_(1, chosen.indices, 1.0) if wanted else None
        return chosen.values.sum(1), slope
    found = weights((2 * scores - 1) / cost, nearest.k, nearest.epsilon)
    value = (found * scores).sum(1)
    if not wanted:
        return value, None
    return value, gradient(found, scores, nearest.epsilon).mul_(2 / cost).add_(found)


def _inwards(slope: Tensor, scores: Tensor, factor: Tensor, squared: bool) -> Tensor:
    """From the gradient with respect to scores to that with respect to half squared distances."""
    if squared:
        return slope * (2 * factor)
    # A patch on a centre has no direction to it.
    near = torch.where(scores > 0, factor.square() / scores, torch.zeros_like(scores))
    return slope * near
