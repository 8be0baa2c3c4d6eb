"""ADFA's loss and score: soft distances of patches to their k nearest centres (equations 4 to 6).

Of an image at 224 pixels there are 3136 x 3136 distances, of which the weights and their gradient
are as many again. Images go one by one and rows a few at a time, and the gradient is found on the
way, so that no more than one image's distances is ever held.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, get_args

import torch
from torch import Tensor
from torch.nn import functional

from medad.errors import MedadError
from medad.losses.soft_topk import gradient, largest, weights

Cost = Literal["image", "row", "batch"]
_ENTRIES = 1 << 17  # of the distances at work, which then stay in the processor's cache


@dataclass(frozen=True)
class Nearest:
    """How a patch is held against the centres.

    ``k``: centres near it that count. ``epsilon``: of SOFT top-k; None takes the k nearest, hard.
    ``squared``: squared distances instead of Euclidean ones. ``cost``: whose largest cost of
    transport the costs are divided by: the image's, the patch's own (``row``), or that of all
    images of a batch, as in the authors' code (a score then depends on the others in its batch).
    """

    k: int
    epsilon: float | None
    squared: bool
    cost: Cost

    def __post_init__(self) -> None:
        if self.k < 1:
            raise MedadError(f"k: got {self.k}, allowed: 1 or more")
        if self.epsilon is not None and not self.epsilon > 0:
            raise MedadError(f"epsilon: got {self.epsilon}, allowed: above 0")
        if self.cost not in get_args(Cost):
            raise MedadError(f"cost: got {self.cost!r}, allowed: {', '.join(get_args(Cost))}")


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
    if factors is not None:
        factors = factors.detach()
    apply: Callable[..., Tensor] = _SoftDistances.apply
    return apply(patches, centres.detach(), nearest, factors)


@torch.no_grad()
def topk_mass(
    patches: Tensor, centres: Tensor, nearest: Nearest, factors: Tensor | None = None
) -> Tensor:
    """(B, P): the part of the weights of every patch (B, P, C) that its k nearest centres have.

    Arguments are those of ``soft_distances``. 1 for a hard choice; k / M when all M centres count
    the same.
    """
    if nearest.epsilon is None:
        return patches.new_ones(patches.shape[:2])
    distances = _Distances(centres, nearest.squared, patches.shape[1])
    mass = patches.new_empty(patches.shape[:2])
    for number, cost in _filled(distances, patches, nearest, factors):
        for begin in range(0, patches.shape[1], distances.rows):
            part = slice(begin, begin + distances.rows)
            entropy = nearest.epsilon * _cost_of(part, cost) / 2
            found = weights(distances.scores[part], nearest.k, entropy)
            mass[number, part] = found.topk(nearest.k, 1).values.sum(1) / nearest.k
    return mass


def divergences(patches: Tensor, centres: Tensor) -> Tensor:
    """(B,), 0 or more: how far the channels of images (B, P, C) are from those of centres (P, C).

    The sum over positions and channels of KL(softmax(centre) || softmax(patch)), by which the
    authors' code multiplies an image's distances; the paper has none.
    """
    wanted = functional.softmax(centres, -1)
    each = [
        functional.kl_div(functional.log_softmax(image, -1), wanted, reduction="sum")
        for image in patches
    ]
    return torch.stack(each).clamp_min(0)  # rounding may bring one that is 0 below it


class _SoftDistances(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, patches: Tensor, centres: Tensor, nearest: Nearest, factors: Tensor | None
    ) -> Tensor:
        values = patches.new_empty(patches.shape[:2])
        slopes = torch.empty_like(patches) if ctx.needs_input_grad[0] else None
        distances = _Distances(centres, nearest.squared, patches.shape[1])
        for number, cost in _filled(distances, patches, nearest, factors):
            image, factor = patches[number], None if factors is None else factors[number]
            for begin in range(0, len(image), distances.rows):
                part = slice(begin, begin + distances.rows)
                scores = distances.scores[part]
                own = _cost_of(part, cost)
                value, slope = _weighted(scores, own, nearest, slopes is not None)
                values[number, part] = value
                if slopes is not None and slope is not None:
                    slope = _inwards(slope, scores, factor, nearest.squared)
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


def _filled(
    distances: _Distances, patches: Tensor, nearest: Nearest, factors: Tensor | None
) -> Iterator[tuple[int, Tensor]]:
    """Image after image of (B, P, C): its number and cost, while ``distances`` has its scores.

    A cost is (1,), or (P, 1) of ``cost: row``.
    """
    each = [None] * len(patches) if factors is None else list(factors)
    shared = None
    if nearest.cost == "batch" and nearest.epsilon is not None:
        costs = [distances.of(*pair).amax(0) for pair in zip(patches, each, strict=True)]
        shared = torch.stack(costs).amax(0)
    for number, pair in enumerate(zip(patches, each, strict=True)):
        rows = distances.of(*pair)
        own = rows if nearest.cost == "row" else rows.amax(0)
        yield number, own if shared is None else shared


def _cost_of(part: slice, cost: Tensor) -> Tensor:
    return cost[part] if cost.dim() == 2 else cost


class _Distances:
    """Distances of one image after the other to the same centres, in the same memory."""

    def __init__(self, centres: Tensor, squared: bool, patches: int) -> None:
        self.middle = centres.mean(0)  # products about it keep small distances
        about = centres - self.middle
        lengths = about.square().sum(1, keepdim=True)
        # A product of (-2 p, 1, |p|^2) and (c, |c|^2, 1) is |p - c|^2, written once.
        self.other = torch.cat([about, lengths, torch.ones_like(lengths)], 1).T
        self.squared = squared
        self.scores = centres.new_empty(patches, len(centres))
        at_once = max(1, _ENTRIES // len(centres))
        self.rows = at_once if centres.device.type == "cpu" else patches

    def of(self, image: Tensor, factor: Tensor | None) -> Tensor:
        """Fill ``scores`` (P, M) with distances of patches (P, C), times factor; costs (P, 1)."""
        about = image - self.middle
        lengths = about.square().sum(1, keepdim=True)
        one = torch.cat([about * -2, torch.ones_like(lengths), lengths], 1)
        ends: list[Tensor] = []
        for begin in range(0, len(image), self.rows):
            part = slice(begin, begin + self.rows)
            found = torch.mm(one[part], self.other, out=self.scores[part]).clamp_(min=0)
            if not self.squared:
                found.sqrt_()
            if factor is not None:
                found.mul_(factor)
            # Not aminmax, which along an axis takes twenty times as long.
            ends.append(torch.stack([found.amin(1), found.amax(1)], 1))
        return largest(torch.cat(ends), 1)


def _weighted(
    scores: Tensor, cost: Tensor, nearest: Nearest, wanted: bool
) -> tuple[Tensor, Tensor | None]:
    """(m,) values of rows (m, M) of scores, and their gradient with respect to the scores."""
    if nearest.epsilon is None:
        chosen = scores.topk(nearest.k, 1, largest=False)
        slope = torch.zeros_like(scores).scatter_(1, chosen.indices, 1.0) if wanted else None
        return chosen.values.sum(1), slope
    entropy = nearest.epsilon * cost / 2
    found = weights(scores, nearest.k, entropy)
    value = (found * scores).sum(1)
    return value, gradient(found, scores, entropy).add_(found) if wanted else None


def _inwards(slope: Tensor, scores: Tensor, factor: Tensor | None, squared: bool) -> Tensor:
    """From the gradient with respect to scores to that with respect to half squared distances."""
    if squared:
        return slope.mul_(2 if factor is None else 2 * factor)
    # A patch on a centre has no direction to it.
    near = scores.reciprocal().nan_to_num_(posinf=0.0)
    slope.mul_(near)
    return slope if factor is None else slope.mul_(factor.square())
