"""Tritanh contrastive loss (CONSULT eq. 3)."""

from __future__ import annotations

import torch
from torch import Tensor

from medad.errors import MedadError


def tritanh(
    d_pull: Tensor, d_push: Tensor, *, pull: float, push: float, m0: float = 0.0, m1: float = 0.0
) -> Tensor:
    """(x - y + m0) / (x + y + m1) with x = e^(pull d_pull), y = e^(push d_push).

    ``d_pull``, ``d_push``: distances >= 0 of equal shape, to shrink and to grow. ``pull`` and
    ``push`` are the paper's lambda_0 and lambda_1, ``m0`` and ``m1`` its margins. Returns values
    in (-1, 1), the shape of the distances; with zero margins exactly
    tanh((pull d_pull - push d_push) / 2). Finite for distances of any size.
    Raises MedadError for parameters ``check`` refuses.
    """
    check(pull, push, m0, m1)
    a, b = pull * d_pull, push * d_push
    if m0 == 0 and m1 == 0:
        return torch.tanh((a - b) / 2)
    # e^-top in numerator and denominator cancels, also in the gradient, so top is a constant.
    top = torch.maximum(a, b).clamp_min(0).detach()
    x, y, one = torch.exp(a - top), torch.exp(b - top), torch.exp(-top)
    return (x - y + m0 * one) / (x + y + m1 * one)


def check(pull: float, push: float, m0: float, m1: float) -> None:
    """Raise MedadError unless the loss grows with d_pull and falls with d_push everywhere.

    For distances >= 0 that holds if and only if both scales are positive, m0 - m1 <= 2,
    m0 + m1 >= -2 and m1 > -2. (The bound of 2 that the paper quotes needs margins that break it.)
    """
    if not (pull > 0 and push > 0):
        raise MedadError(f"tritanh: got pull {pull}, push {push}; allowed: both above 0")
    if not (m0 - m1 <= 2 and m0 + m1 >= -2 and m1 > -2):
        raise MedadError(
            f"tritanh: got m0 {m0}, m1 {m1}; allowed: m0 - m1 <= 2, m0 + m1 >= -2 and m1 > -2, "
            "else it pushes healthy features apart; 0 and 0 are a safe choice"
        )
