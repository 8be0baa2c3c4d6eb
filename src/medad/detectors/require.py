"""What parameters of detectors may be: checks of their dataclasses, with one wording."""

from __future__ import annotations

from typing import Any

from medad.errors import MedadError


def distinct_layers(layers: tuple[int, ...]) -> None:
    """MedadError for no layer, and for one that repeats."""
    if not layers or len(set(layers)) < len(layers):
        raise MedadError(f"layers: got {list(layers)}, allowed: distinct layers, not none")


def counts(params: Any, *names: str) -> None:
    """MedadError unless these fields are 1 or more."""
    for name in names:
        if getattr(params, name) < 1:
            raise MedadError(f"{name}: got {getattr(params, name)}, allowed: 1 or more")


def above_zero(params: Any, *names: str) -> None:
    """MedadError unless these fields are above 0; NaN is not."""
    for name in names:
        if not getattr(params, name) > 0:
            raise MedadError(f"{name}: got {getattr(params, name)}, allowed: above 0")


def zero_or_more(params: Any, *names: str) -> None:
    """MedadError unless these fields are 0 or more; NaN is not."""
    for name in names:
        if not getattr(params, name) >= 0:
            raise MedadError(f"{name}: got {getattr(params, name)}, allowed: 0 or more")


def below_one(params: Any, *names: str) -> None:
    """MedadError unless these fields are from 0 to below 1."""
    for name in names:
        if not 0 <= getattr(params, name) < 1:
            raise MedadError(f"{name}: got {getattr(params, name)}, allowed: 0 to below 1")


def one_of(params: Any, **allowed: tuple[str, ...]) -> None:
    """MedadError unless every field named has one of its values."""
    for name, values in allowed.items():
        if (got := getattr(params, name)) not in values:
            raise MedadError(f"{name}: got {got!r}, allowed: {', '.join(values)}")
