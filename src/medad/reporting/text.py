"""Pieces of Markdown: table lines, numbers, footnotes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

MINUS = "−"


class Footnotes:
    """Numbered once per distinct text, in order of first use."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def mark(self, texts: Iterable[str]) -> str:
        """Markers of the non-empty texts."""
        return "".join(
            f"[^{self._numbers.setdefault(text, len(self._numbers) + 1)}]" for text in texts if text
        )

    def lines(self) -> list[str]:
        """Definitions, in order."""
        return [f"[^{number}]: {_sentence(text)}" for text, number in self._numbers.items()]


def header(corner: str, columns: Sequence[str]) -> list[str]:
    """The first two lines of a table."""
    return [line(corner, columns), line("---", ["---"] * len(columns))]


def line(first: str, rest: Sequence[str]) -> str:
    """One line of a table."""
    return f"| {' | '.join([first, *rest])} |"


def plain(value: float | None) -> str:
    """Three decimals and a true minus sign, never a negative zero; "none" for None."""
    return "none" if value is None else f"{value:z.3f}".replace("-", MINUS)


def signed(value: float) -> str:
    """As ``plain``, with the sign always written."""
    return f"{value:+z.3f}".replace("-", MINUS)


def span(values: Sequence[int]) -> str:
    """The number all values share, or "low to high"."""
    low, high = min(values), max(values)
    return str(low) if low == high else f"{low} to {high}"


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."
