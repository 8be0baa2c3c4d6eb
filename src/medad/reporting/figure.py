"""What all figures share: a page in inches, its style, its title, and its bytes."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib.style
import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogFormatter, NullFormatter
from numpy.typing import NDArray

OUTLINE, COLOURS = "#00e5ff", "inferno"
# Told apart by every kind of colour vision (Okabe and Ito, 2008), and by their lightness.
PALETTE = (
    *("#0072b2", "#d55e00", "#009e73", "#cc79a7"),
    *("#e69f00", "#56b4e9", "#000000", "#8c6d31"),
)
MARKERS = "osD^vPX*"
SHORTEST = 9  # characters that are left of a shortened text, at least
_STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 8.0,
    "axes.titlesize": 9.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": False,
    "grid.color": "#e0e0e0",
    "image.interpolation": "nearest",
    "legend.frameon": False,
    "legend.fontsize": 7.5,
    "text.parse_math": False,  # names of methods and files are text
}


@contextmanager
def style() -> Iterator[None]:
    """The look of all figures, whatever a user's own matplotlib settings are."""
    with matplotlib.style.context(["default", _STYLE]):
        yield


class Page:
    """A figure of ``width`` by ``height`` inches at 200 dpi, within ``style()``.

    ``title`` is at the top, ``note`` (lines of small print) at the bottom.
    """

    def __init__(self, width: float, height: float, title: str, note: str) -> None:
        self.width, self.height = width, height
        self.figure = Figure(figsize=(width, height), dpi=200)
        FigureCanvasAgg(self.figure)
        self.text(0.25, 0.08, title, fontsize=10, weight="bold")
        self.figure.text(0.25 / width, 0.05 / height, note, va="bottom", fontsize=7)

    def text(self, left: float, top: float, text: str, **options: Any) -> None:
        """Text whose upper left corner is there, in inches from the page's."""
        x, y = left / self.width, 1 - top / self.height
        self.figure.text(x, y, text, **{"va": "top", **options})

    def axes(self, left: float, top: float, width: float, height: float, **options: Any) -> Axes:
        """Axes whose upper left corner is there, in inches from the page's."""
        y = self.height - top - height
        box = (left / self.width, y / self.height, width / self.width, height / self.height)
        return self.figure.add_axes(box, **options)

    def colour_bar(self, left: float, top: float, height: float, scale: Normalize) -> None:
        """A narrow bar of the colours of maps that are shown on this scale."""
        axis = self.axes(left, top, 0.08, height)
        bar = self.figure.colorbar(ScalarMappable(scale, COLOURS), cax=axis)
        bar.ax.tick_params(which="both", labelsize=6, length=2)
        plain_numbers(bar.ax.yaxis)
        bar.outline.set_visible(False)

    def png(self) -> bytes:
        """The bytes, which hold no date and no software version."""
        buffer = io.BytesIO()
        self.figure.savefig(buffer, format="png", metadata={"Software": None})
        return buffer.getvalue()


def picture(
    axis: Axes, pixels: NDArray[Any], mask: NDArray[np.bool_] | None = None, **options: Any
) -> None:
    """An image or a map, without axes, with the outline of a mask, if any."""
    axis.imshow(pixels, **options)
    axis.set(xticks=[], yticks=[])
    axis.spines[:].set_visible(False)
    if mask is not None:
        axis.contour(mask, levels=[0.5], colors=OUTLINE, linewidths=0.8)


def plain_numbers(axis: Axis) -> None:
    """Ticks as numbers, not as powers of ten, which would need mathematical text; of a log axis
    that spans about a decade also those between the powers."""
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    within = _Between(minor_thresholds=(1, 0.4)) if axis.get_scale() == "log" else NullFormatter()
    axis.set_minor_formatter(within)


class _Between(LogFormatter):
    """Chooses which ticks between powers have room as matplotlib does; prints plain numbers."""

    def __call__(self, x: float, pos: int | None = None) -> str:
        return f"{x:g}" if super().__call__(x, pos) else ""


def shortened(text: str, most: int) -> str:
    """Of a long text the beginning and the end, ``most`` characters at most."""
    if len(text) <= most:
        return text
    most = max(most, SHORTEST)
    begin = (most - 1) // 3
    return f"{text[:begin]}…{text[len(text) - (most - 1 - begin) :]}"
