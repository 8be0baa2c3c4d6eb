from __future__ import annotations

import re
from xml.etree import ElementTree

import numpy as np

from medad.site import charts, curves

LABELS = np.array([0, 0, 0, 1, 1])
SCORES = np.array([0.1, 0.2, 0.3, 0.25, 0.9])
HOSTILE = 'loss"><script>alert(1)</script>'


def test_a_histogram_says_how_many_images_every_bar_holds() -> None:
    drawn = charts.histogram("h", curves.counts(LABELS, SCORES, 4, False))
    bars = list(ElementTree.fromstring(drawn).iter("rect"))
    assert all(float(bar.attrib["height"]) > 0 for bar in bars)
    titles = " ".join(title.text or "" for title in ElementTree.fromstring(drawn).iter("title"))
    assert sum(int(n) for n in re.findall(r": (\d+) of 3 healthy", titles)) == 3
    assert sum(int(n) for n in re.findall(r": (\d+) of 2 anomalous", titles)) == 2
    logarithmic = charts.histogram("h", curves.counts(LABELS, SCORES, 4, True))
    assert "score, logarithmic" in logarithmic


def test_a_roc_runs_from_corner_to_corner() -> None:
    band = curves.roc_band([curves.roc(LABELS, SCORES)])
    root = ElementTree.fromstring(charts.roc("r", band))
    (line,) = root.iter("polyline")
    points = [tuple(map(float, pair.split(","))) for pair in line.attrib["points"].split()]
    assert points[0] == (44.0, 254.0)
    assert points[-1] == (284.0, 14.0)


def test_a_name_from_a_log_is_text() -> None:
    band = curves.Band(np.array([0.0]), np.ones(1), np.ones(1), np.ones(1), 2)
    drawn = charts.curve(HOSTILE, band)
    assert "<script" not in drawn
    figure = ElementTree.fromstring(drawn)
    (caption,) = figure.iter("figcaption")
    assert (caption.text or "").startswith(HOSTILE)
    (svg,) = figure.iter("svg")
    assert svg.attrib["aria-label"].startswith(HOSTILE)
    assert len(list(figure.iter("polygon"))) == 1  # a band, since there are two draws
