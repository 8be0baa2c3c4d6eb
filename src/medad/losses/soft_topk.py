"""SOFT top-k: which scores are among the k smallest, as weights with a gradient.

Xie et al., Differentiable Top-k with Optimal Transport, NeurIPS 2020, as ADFA uses it (sec. 2.3):
an entropic transport of n scores to the anchors 0 and 1, of which 0 takes k of the n. With two
anchors the plan has a closed form, so that the Sinkhorn iterations of the original are not needed.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from medad.errors import MedadError

_MOST = 100  # Newton steps; bisection alone would be done
_FAR = 40.0  # exponents of which float32 holds the product of two


def soft_topk(scores: Tensor, k: int, epsilon: float, largest_cost: Tensor | None = None) -> Tensor:
    """Weights (..., n) in [0, 1] that sum to k over the last axis; larger for smaller scores.

    A_j = sigmoid((tau - (2 s_j - 1) / C) / epsilon) with the tau that makes them sum to k.
    ``scores``: (..., n). ``epsilon``: of the entropy, above 0; the nearer to 0, the harder.
    ``largest_cost``: C, the largest of s^2 and (s - 1)^2, broadcast against the scores: every row's
    own by default. It is a constant of the gradient. Raises MedadError unless 0 < k < n.
    """
    if not 0 < k < scores.shape[-1]:
        raise MedadError(
            f"soft top-k: got k = {k}, allowed: 1 to {scores.shape[-1] - 1}, below the number of "
            "scores"
        )
    if not epsilon > 0:
        raise MedadError(f"soft top-k: got epsilon {epsilon}, allowed: above 0")
    cost = largest(scores, -1) if largest_cost is None else largest_cost
    apply: Callable[..., Tensor] = _SoftTopk.apply
    return apply(scores, k, epsilon, cost.detach())


def largest(scores: Tensor, axis: int | tuple[int, ...]) -> Tensor:
    """The largest cost of transport to either anchor over some axes, which stay, of length 1."""
    low, high = scores.amin(axis, keepdim=True), scores.amax(axis, keepdim=True)
    ends = torch.stack([low.square(), high.square(), (low - 1).square(), (high - 1).square()])
    return ends.amax(0)


def weights(delta: Tensor, k: int, epsilon: float | Tensor) -> Tensor:
    """sigmoid((tau - delta) / epsilon) of rows (m, n), each summing to k; no gradient.

    ``delta``: scores times any number above 0 and plus any, ``epsilon`` times the same: tau takes
    up the rest. With epsilon C / 2 they are the scores themselves.

    Newton's method on the logarithm of the sum, in a bracket. An exponential is taken once an
    entry: with w = e^(-delta / epsilon), sigmoid is t w / (1 + t w), and only t is looked for.
    """
    nearest = delta.amin(1, keepdim=True)
    if ((delta.amax(1, keepdim=True) - nearest) > _FAR * epsilon).any():
        nearest = delta.kthvalue(k, 1, keepdim=True).values  # tau is near it
    w = (nearest - delta).div_(epsilon).clamp_(-_FAR, _FAR).exp_()
    log_t = (k / w.sum(1, keepdim=True)).log_()  # too low: sigmoid(x) is below e^x
    # Were all w the least one, t w would be k / (n - k), which is below n.
    low, high = log_t - 1, torch.full_like(log_t, _FAR + 1 + math.log(delta.shape[1]))
    near = 4 * torch.finfo(delta.dtype).eps
    for _ in range(_MOST):
        above = w * log_t.exp()
        rest = (above + 1).reciprocal_()
        found = above.mul_(rest)
        total = found.sum(1, keepdim=True)
        excess = (total / k).log_()
        if (excess.abs() <= near).all():
            break
        low = torch.where(excess < 0, log_t, low)
        high = torch.where(excess > 0, log_t, high)
        step = log_t - excess * total / (found * rest).sum(1, keepdim=True)
        inside = (step >= low) & (step <= high)
        log_t = torch.where(inside, step, (low + high) / 2)
    return found


def gradient(found: Tensor, upstream: Tensor, epsilon: float | Tensor) -> Tensor:
    """The gradient with respect to ``delta`` (m, n) of what has ``upstream`` at the weights."""
    a = torch.addcmul(found, found, found, value=-1)
    total = a.sum(-1, keepdim=True).clamp_min(torch.finfo(a.dtype).tiny)
    mean = (a * upstream).sum(-1, keepdim=True) / total
    return (mean - upstream).mul_(a).div_(epsilon)


class _SoftTopk(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, scores: Tensor, k: int, epsilon: float, cost: Tensor) -> Tensor:
        delta = (2 * scores - 1) / cost
        found = weights(delta.reshape(-1, delta.shape[-1]), k, epsilon).reshape(delta.shape)
        ctx.save_for_backward(found, cost)
        ctx.epsilon = epsilon
        return found

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor, None, None, None]:
        found, cost = ctx.saved_tensors
        return gradient(found, upstream, ctx.epsilon) * 2 / cost, None, None, None
