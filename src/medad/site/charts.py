"""Charts as SVG, made by hand: colours are CSS variables, every mark says its value on hover."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from medad.site.curves import Array, Band, Counts
from medad.site.text import esc, number, plural

_WIDTH, _HEIGHT = 320.0, 200.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 50.0, 10.0, 12.0, 34.0


def histogram(label: str, counts: Counts) -> str:
    """Shares of each class by score: healthy above the line, anomalous below."""
    healthy, anomalous = counts.healthy.sum(), counts.anomalous.sum()
    shares = [counts.healthy / max(1, healthy), counts.anomalous / max(1, anomalous)]
    largest = max(float(share.max()) for share in shares) or 1.0
    edges = np.log(counts.edges) if counts.logarithmic else counts.edges
    x = _scale(edges, float(edges[0]), float(edges[-1]), _LEFT, _WIDTH - _RIGHT)
    top, bottom = _TOP, _HEIGHT - _BOTTOM
    middle = (top + bottom) / 2
    bars = []
    for sign, name, share, count, total in (
        (-1, "healthy", shares[0], counts.healthy, healthy),
        (1, "anomalous", shares[1], counts.anomalous, anomalous),
    ):
        for place in np.flatnonzero(count):
            height = float(share[place]) / largest * (middle - top)
            low, high = counts.edges[place], counts.edges[place + 1]
            bars.append(
                f'<rect class="{name}" x="{x[place] + 0.5:.1f}" '
                f'y="{middle - height if sign < 0 else middle:.1f}" '
                f'width="{max(x[place + 1] - x[place] - 1, 1):.1f}" height="{height:.1f}">'
                f"<title>{number(low)} to {number(high)}: {count[place]} of {total} {name}</title>"
                "</rect>"
            )
    ticks = [
        (float(x[at]), _tick(float(counts.edges[at])), anchor)
        for at, anchor in ((0, "start"), (len(x) // 2, "middle"), (-1, "end"))
    ]
    share = f"{100 * largest:.0f}%"
    marks = (
        f'<line class="axis" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{middle}" y2="{middle}"/>'
        + "".join(_text(px, bottom + 14, text, anchor) for px, text, anchor in ticks)
        + "".join(_text(_LEFT - 6, py + 4, share, "end") for py in (top, bottom))
        + _text(_LEFT - 6, middle + 4, "0", "end")
        + _text(_WIDTH - _RIGHT, top + 4, "healthy", "end", "healthy-text")
        + _text(_WIDTH - _RIGHT, bottom, "anomalous", "end", "anomalous-text")
        + _text(
            (_LEFT + _WIDTH) / 2,
            _HEIGHT - 5,
            "score, logarithmic" if counts.logarithmic else "score",
            "middle",
        )
    )
    return _svg(label, "".join(bars) + marks, _WIDTH, _HEIGHT)


def roc(label: str, band: Band) -> str:
    """True against false positive rate: mean over draws, and where the draws lie."""
    side, edge = 300.0, 240.0
    x = _scale(band.x, 0, 1, 44, 44 + edge)
    mean, low, high = (
        _scale(values, 0, 1, 14 + edge, 14) for values in (band.mean, band.low, band.high)
    )
    grid = "".join(
        f'<line class="grid" x1="{44 + at * edge}" x2="{44 + at * edge}" y1="14" y2="{14 + edge}"/>'
        f'<line class="grid" x1="44" x2="{44 + edge}" y1="{14 + at * edge}" y2="{14 + at * edge}"/>'
        for at in (0, 0.25, 0.5, 0.75, 1)
    )
    ticks = "".join(
        _text(44 + at * edge, 30 + edge, number(at), "middle")
        + _text(38, 18 + (1 - at) * edge, number(at), "end")
        for at in (0, 0.5, 1)
    )
    chance = f'<line class="chance" x1="44" y1="{14 + edge}" x2="{44 + edge}" y2="14"/>'
    names = (
        _text(44 + edge / 2, 48 + edge, "false positive rate", "middle")
        + f'<text transform="translate(11 {14 + edge / 2}) rotate(-90)" text-anchor="middle">'
        "true positive rate</text>"
    )
    inner = grid + chance + _area(x, low, high) + _line(x, mean) + ticks + names
    return _svg(label, inner, side, 304.0)


def curve(name: str, band: Band) -> str:
    """One quantity of training against the step."""
    bottom = _HEIGHT - _BOTTOM
    low, high = float(band.low.min()), float(band.high.max())
    if low == high:
        low, high = low - 0.5, high + 0.5
    first, last = float(band.x[0]), float(band.x[-1])
    x = _scale(band.x, first, last if last > first else first + 1, _LEFT, _WIDTH - _RIGHT)
    ys = [_scale(v, low, high, bottom, _TOP) for v in (band.mean, band.low, band.high)]
    frame = "".join(
        f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{py}" y2="{py}"/>'
        for py in (_TOP, (_TOP + bottom) / 2, bottom)
    )
    ticks = (
        "".join(
            _text(_LEFT - 6, py + 4, _tick(value), "end")
            for py, value in ((_TOP, high), ((_TOP + bottom) / 2, (low + high) / 2), (bottom, low))
        )
        + _text(_LEFT, bottom + 14, number(first), "start")
        + _text(_WIDTH - _RIGHT, bottom + 14, number(last), "end")
        + _text((_LEFT + _WIDTH) / 2, _HEIGHT - 5, "step", "middle")
    )
    label = f"{name}: {number(band.mean[0])} at the first step, {number(band.mean[-1])} at the last"
    band_area = _area(x, ys[1], ys[2]) if band.draws > 1 else ""
    inner = frame + band_area + _line(x, ys[0]) + ticks
    return (
        f'<figure class="chart"><figcaption>{esc(name)} '
        f"<small>{plural(band.draws, 'draw')}</small></figcaption>"
        f"{_svg(label, inner, _WIDTH, _HEIGHT)}</figure>"
    )


def _tick(value: float) -> str:
    """Three digits, which fit beside an axis."""
    return number(value, 3)


def _scale(values: Array, low: float, high: float, start: float, end: float) -> Array:
    return np.asarray(start + (values - low) / (high - low) * (end - start))


def _points(x: Iterable[float], y: Iterable[float]) -> str:
    return " ".join(f"{px:.1f},{py:.1f}" for px, py in zip(x, y, strict=True))


def _line(x: Array, y: Array) -> str:
    return f'<polyline class="line" points="{_points(x, y)}"/>'


def _area(x: Array, low: Array, high: Array) -> str:
    return f'<polygon class="band" points="{_points(x, low)} {_points(x[::-1], high[::-1])}"/>'


def _text(x: float, y: float, text: str, anchor: str, kind: str = "") -> str:
    named = f' class="{kind}"' if kind else ""
    return f'<text{named} x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{esc(text)}</text>'


def _svg(label: str, inner: str, width: float, height: float) -> str:
    return (
        f'<svg class="plot" viewBox="0 0 {width:g} {height:g}" role="img" '
        f'aria-label="{esc(label)}">{inner}</svg>'
    )
