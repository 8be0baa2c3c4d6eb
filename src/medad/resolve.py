"""From the text "package.module:attribute" to the object it names."""

from __future__ import annotations

from importlib import import_module
from typing import Any


def attribute(spec: str) -> Any:
    """Import the module left of the colon and return the attribute right of it."""
    module, _, name = spec.partition(":")
    return getattr(import_module(module), name)
