"""K, the number of healthy images that a method learns from, as a number and as text."""

from __future__ import annotations

# All images of the pool, for the sake of order as a number larger than any pool's.
FULL = 1_000_000
_FULL_TEXT = "full"


def text(k: int | str) -> str:
    """K in paths, tables and keys: "4", or "full" for all of the pool."""
    return _FULL_TEXT if str(k) == str(FULL) else str(k)


def parse(value: int | str) -> int:
    """K from its text."""
    return FULL if value == _FULL_TEXT else int(value)


def column(k: int | str) -> str:
    """K as the name of a table's column: "K4", or "full". ``k`` may be text already."""
    return _FULL_TEXT if text(k) == _FULL_TEXT else f"K{k}"


def label(k: int | str) -> str:
    """K in a sentence: "K = 4", or "all of the pool"."""
    return "all of the pool" if text(k) == _FULL_TEXT else f"K = {k}"
