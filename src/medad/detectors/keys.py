"""From the parameters of a step to a detector's dataclass of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import Any


def taken(cls: type[Any], params: Mapping[str, Any]) -> dict[str, Any]:
    """Values for the fields of a dataclass, of a mapping that may have others; lists as tuples.

    KeyError for one that is missing, except where the field has a default: scoring alone reads
    it (``medad.registry.SCORING``), and a head is fitted without it.
    """
    named = [one for one in fields(cls) if one.default is MISSING or one.name in params]
    found = {one.name: params[one.name] for one in named}
    return {name: tuple(v) if isinstance(v, list) else v for name, v in found.items()}
