"""The page that all figures are drawn on."""

from __future__ import annotations

import matplotlib
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medad.reporting.figure import SHORTEST, Page, plain_numbers, shortened, style


def _page() -> bytes:
    with style():
        page = Page(3.0, 2.0, "title", "note")
        page.axes(0.5, 0.5, 2.0, 1.0).plot([0, 1], [1, 0])
        return page.png()


def test_a_users_own_settings_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = _page()
    with matplotlib.rc_context({"lines.linewidth": 9.0, "font.family": "serif"}):
        assert _page() == plain
    assert matplotlib.rcParams["text.parse_math"]  # and the style changes nothing of theirs


def test_axes_are_where_they_are_asked_for() -> None:
    with style():
        box = Page(4.0, 2.0, "", "").axes(1.0, 0.5, 2.0, 1.0).get_position()
    assert box.bounds == pytest.approx((0.25, 0.25, 0.5, 0.5))


@given(st.text(), st.integers(0, 60))
def test_long_texts_keep_both_ends(text: str, most: int) -> None:
    found = shortened(text, most)
    assert len(found) <= max(most, SHORTEST)
    if found != text:
        begin, _, end = found.rpartition("…")
        assert text.startswith(begin)
        assert text.endswith(end)
        assert end


@pytest.mark.parametrize(
    ("limits", "wanted"),
    [((0.12, 0.9), {"0.2", "0.6"}), ((2.0, 300.0), {"10", "100"}), ((3.1, 4.9), {"4"})],
)
def test_a_log_axis_has_numbers_however_short(
    limits: tuple[float, float], wanted: set[str]
) -> None:
    with style():
        page = Page(3.0, 3.0, "", "")
        axis = page.axes(0.5, 0.5, 2.0, 2.0)
        axis.set(yscale="log", ylim=limits)
        plain_numbers(axis.yaxis)
        page.figure.canvas.draw()
        ticks = [*axis.yaxis.get_major_ticks(), *axis.yaxis.get_minor_ticks()]
        inside = [tick for tick in ticks if limits[0] <= tick.get_loc() <= limits[1]]
    labels = {tick.label1.get_text() for tick in inside} - {""}
    assert wanted <= labels
    assert len(labels) <= 8
