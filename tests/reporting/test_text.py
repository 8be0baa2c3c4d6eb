"""Pieces of Markdown."""

from __future__ import annotations

import pytest

from medad.reporting.text import Footnotes, header, line, plain, signed, span


def test_table_lines() -> None:
    assert header("x", ["a", "b"]) == ["| x | a | b |", "| --- | --- | --- |"]
    assert line("x", []) == "| x |"


@pytest.mark.parametrize(
    ("value", "unsigned", "with_sign"),
    [(0.12345, "0.123", "+0.123"), (-0.5, "−0.500", "−0.500"), (-0.0001, "0.000", "+0.000")],
)
def test_numbers(value: float, unsigned: str, with_sign: str) -> None:
    assert (plain(value), signed(value)) == (unsigned, with_sign)


def test_nothing_and_ranges() -> None:
    assert plain(None) == "none"
    assert (span([3, 3]), span([4, 2, 3])) == ("3", "2 to 4")


def test_footnotes_are_numbered_once_per_text() -> None:
    notes = Footnotes()
    marks = [notes.mark(texts) for texts in (["first", ""], ["second", "first"], [""])]
    assert marks == ["[^1]", "[^2][^1]", ""]
    assert notes.lines() == ["[^1]: First.", "[^2]: Second."]
