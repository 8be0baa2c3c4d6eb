"""What a cell's page shows of its draws: shots, synthetic pairs, training, scores, examples."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medad.data.frame import Frame
from medad.detectors.maps import upsample
from medad.reporting.examples import BRIGHTEST, spans_decades
from medad.site import charts, curves
from medad.site.album import Album, Featured, label_name, panel
from medad.site.document import details
from medad.site.examples import EACH, KINDS, Standing, choose, ranks, standings
from medad.site.material import Cell, Row, Run
from medad.site.pictures import WHOLE, Window
from medad.site.text import code, digest, esc, plural, score

_UP = "../"
_OPEN = 4  # draws that are shown without asking
_BINS = 24


def draws(album: Album, cell: Cell) -> str:
    """The shots of every draw as thumbnails."""
    blocks = []
    for run in cell.runs:
        images = "".join(_shot(album, cell, image) for image in run.draw)
        blocks.append(
            f'<div class="draw"><h3>{esc(run.name)} <small>AUROC '
            f"{run.values['auroc']:.4f}</small></h3>"
            f'<ul class="thumbs">{images}</ul></div>'
        )
    return _first(blocks)


def _shot(album: Album, cell: Cell, image: dict[str, str]) -> str:
    path, sha256 = image["path"], image["sha256"]
    picture = album.picture(cell.dataset, path, sha256)
    link = album.link(cell.dataset, path, sha256)
    album.shots[cell.dataset, path].append(cell)
    return (
        f'<li><a href="{_UP}{link}?cell={cell.slug}">{panel(picture, _UP, f"shot {path}")}'
        f'<span class="caption"><bdi>{esc(path)}</bdi> {digest(sha256)}</span></a></li>'
    )


def pairs(album: Album, cell: Cell) -> str:
    """One contact sheet a K, of its first draw; "" for a method that needs no pairs."""
    first: dict[int, Run] = {}
    for run in cell.runs:
        first.setdefault(run.k, run)
    blocks = []
    for run in first.values():
        path = run.file("pairs", "sheet")
        if path is None:
            continue
        sha256 = run.artifacts["pairs"][path]
        file = album.material.root / path
        if file.is_file():
            copied = f"{_UP}{album.gallery.copy(file, 'sheets')}"
            inner = (
                f'<a href="{copied}"><img class="sheet" src="{copied}" loading="lazy" '
                f'alt="Contact sheet of synthetic pairs, {esc(run.name)}"></a>'
            )
        else:
            inner = '<p class="note">Not on this machine: known by its hash only.</p>'
        blocks.append(
            f"<figure>{inner}<figcaption>{esc(run.name)}: {code(path)} {digest(sha256)}"
            "</figcaption></figure>"
        )
    return "".join(blocks)


def training(album: Album, cell: Cell) -> str:
    """Curves of stage 1, the loss and its parts first; "" for a method that trains nothing."""
    logged = [path for run in cell.runs if (path := run.file("stage1", "events")) is not None]
    if not logged:
        return ""
    here = [album.material.root / path for path in logged]
    present = [file for file in here if file.is_file()]
    if not present:
        return '<p class="note">The curves are not on this machine: known by their hash only.</p>'
    drawn = [charts.curve(name, band) for name, band in curves.training(present).items()]
    return _charts(drawn, "further curve", 3)


def scores(album: Album, cell: Cell) -> str:
    """ROC over all draws, and a histogram of every draw."""
    found, blocks = [], []
    for run in cell.runs:
        every = album.material.scores(run)
        test = every.take(every.rows("test"))
        found.append(curves.roc(test.label, test.score))
        counts = curves.counts(test.label, test.score, _BINS, spans_decades(test.score))
        blocks.append(
            f'<figure class="chart"><figcaption>Scores <small>{esc(run.name)}</small></figcaption>'
            f"{charts.histogram(f'Histogram of test scores, {run.name}', counts)}</figure>"
        )
    band = curves.roc_band(found)
    what = plural(len(found), "draw")
    note = "line: mean, band: lowest to highest draw" if len(found) > 1 else "one draw: no band"
    chart = (
        f'<figure class="chart"><figcaption>ROC <small>{what}; {note}</small></figcaption>'
        f"{charts.roc(f'ROC curve, {what}', band)}</figure>"
    )
    return _charts([chart, *blocks], "further draw", 3)


def examples(album: Album, cell: Cell) -> str:
    """Hits, misses, false alarms and clean images, with heat maps where there are maps."""
    order = sorted(cell.runs, key=lambda run: (-run.k, run.r))
    chosen = choose(standings([album.material.scores(run) for run in cell.runs]), EACH)
    # One run after another, since the maps of one are kept at a time.
    drawn: dict[tuple[str, str], str] = {}
    pending = {(kind, image.path): image for kind in KINDS for image in chosen[kind]}
    for run in order:
        paths = set(album.material.scores(run).path.tolist())
        mine = {key: image for key, image in pending.items() if image.path in paths}
        drawn.update(_of_run(album, cell, run, mine))
        pending = {key: image for key, image in pending.items() if key not in mine}
    blocks = []
    for kind, (title, meaning) in KINDS.items():
        items = "".join(drawn[kind, image.path] for image in chosen[kind])
        if items:
            blocks.append(
                f'<div class="examples"><h3>{title} <small>{meaning}</small></h3>'
                f'<ul class="cards">{items}</ul></div>'
            )
    return "".join(blocks)


def _of_run(
    album: Album, cell: Cell, run: Run, images: dict[tuple[str, str], Standing]
) -> dict[tuple[str, str], str]:
    """Cards of the images that one run stands for."""
    if not images:
        return {}
    scored = album.material.scores(run)
    test = scored.rows("test")
    rank = dict(zip(test.tolist(), ranks(scored.score[test]).tolist(), strict=True))
    place = {path: row for row, path in enumerate(scored.path.tolist())}
    heats = _Heats.of(album, cell, run, test)
    found = {}
    for (kind, path), image in images.items():
        row = place[path]
        sha256 = str(scored.sha256[row])
        heat = None if heats is None else heats.file(row, path)
        album.featured[cell.dataset, path].append(Featured(cell, kind, run, heat))
        picture = album.picture(cell.dataset, path, sha256)
        link = album.link(cell.dataset, path, sha256)
        name = f"{label_name(image.label)} image {path}"
        shown = panel(picture, _UP, name)
        if heat and picture.file:
            shown += panel(picture, _UP, f"heat map of {path}", heat)
        found[kind, path] = (
            f'<li><a class="card" href="{_UP}{link}?cell={cell.slug}">'
            f'<span class="panels">{shown}</span><span class="caption"><bdi>{esc(path)}</bdi>'
            f" rank {rank[row]} of {len(test)}, score {score(float(scored.score[row]))}"
            f"</span></a></li>"
        )
    return found


class _Heats:
    """Heat maps of one run on one scale of colours: from the lowest value of any test image to
    almost the highest."""

    def __init__(
        self,
        album: Album,
        grids: NDArray[np.floating[Any]],
        test: NDArray[np.int64],
        index: Mapping[str, Row],
        frame: Frame,
        smoothing: float,
    ) -> None:
        values = grids[test].astype(np.float64)
        self._logarithmic = spans_decades(values)
        low, high = float(values.min()), float(np.quantile(values, BRIGHTEST))
        self._limits = (np.log(low), np.log(high)) if self._logarithmic else (low, high)
        self._album, self._grids, self._index = album, grids, index
        self._frame, self._smoothing = frame, smoothing

    @classmethod
    def of(cls, album: Album, cell: Cell, run: Run, test: NDArray[np.int64]) -> _Heats | None:
        """None when the run has no maps, or they are not on this machine."""
        grids = album.material.maps(run)
        if grids is None:
            return None
        params = cell.audit["parameters"]["metrics"]
        index = album.material.index(cell.dataset)
        return cls(album, grids, test, index, Frame.of(params), float(params["smoothing"]))

    def file(self, row: int, path: str) -> str:
        pixels = upsample(self._grids[[row]], self._frame.side, self._smoothing)[0]
        values = np.log(np.maximum(pixels, 1e-30)) if self._logarithmic else pixels
        low, high = self._limits
        return self._album.gallery.heat(values, low, high, self._window(path))

    def _window(self, path: str) -> Window:
        """What part of the image the method saw."""
        if self._frame.resize is None or path not in self._index:
            return WHOLE
        row = self._index[path]
        return self._frame.window(int(row["height"]), int(row["width"]))


def without_maps(album: Album, cell: Cell) -> str:
    """Why a cell has no heat maps; "" when it has."""
    if any(album.material.has_maps(run) for run in cell.runs):
        return ""
    if all(run.file("score", "maps") is None for run in cell.runs):
        return "No heat maps: maps were not asked for (evaluation.maps) or the detector has none."
    return "No heat maps: the maps are not on this machine and known by their hash only."


def _first(blocks: list[str]) -> str:
    shown, rest = "".join(blocks[:_OPEN]), blocks[_OPEN:]
    return shown + (details(plural(len(rest), "further draw"), "".join(rest)) if rest else "")


def _charts(drawn: list[str], what: str, first: int) -> str:
    shown, rest = "".join(drawn[:first]), drawn[first:]
    more = details(plural(len(rest), what), f'<div class="charts">{"".join(rest)}</div>')
    return f'<div class="charts">{shown}</div>' + (more if rest else "")
