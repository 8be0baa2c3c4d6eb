"""Images that the pages show, each with its picture, and where it is shown as what."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from medad.errors import MedadError
from medad.site.material import Cell, Material, Row, Run
from medad.site.pictures import SIDE, Gallery, Picture
from medad.site.text import esc, image_id


@dataclass(frozen=True)
class Featured:
    """An image as a cell shows it: ``kind`` of ``examples.KINDS``, and its heat map's file."""

    cell: Cell
    kind: str
    run: Run
    heat: str | None


@dataclass
class Album:
    """Pages of images: every image that some cell shows gets one, named by its hash."""

    material: Material
    gallery: Gallery
    featured: dict[tuple[str, str], list[Featured]] = field(
        default_factory=lambda: defaultdict(list)
    )
    shots: dict[tuple[str, str], list[Cell]] = field(default_factory=lambda: defaultdict(list))
    runs: dict[str, tuple[Cell, Run]] = field(default_factory=dict)
    shown: dict[str, list[tuple[str, str]]] = field(default_factory=lambda: defaultdict(list))

    def row(self, dataset: str, path: str, sha256: str) -> Row:
        """Row of the index; MedadError when it tells of another content than ``sha256``."""
        row = self.material.index(dataset).get(path)
        if row is None or row["sha256"] != sha256:
            raise MedadError(f"{path}: the index of {dataset} has another image; `medad verify`")
        return row

    def link(self, dataset: str, path: str, sha256: str) -> str:
        """The page of an image, which is made because it is linked to; relative to the root."""
        name = image_id(sha256, path)
        if (dataset, path) not in self.shown[name]:
            self.shown[name].append((dataset, path))
        return f"images/{name}.html"

    def page_of(self, sha256: str, path: str) -> str | None:
        """The page of an image that is already shown somewhere."""
        name = image_id(sha256, path)
        return f"images/{name}.html" if name in self.shown else None

    def picture(self, dataset: str, path: str, sha256: str) -> Picture:
        return self.gallery.image(dataset, self.row(dataset, path, sha256))

    def register(self, cell: Cell) -> None:
        """Remember the draws of a cell, for the tables of scores on the images' pages."""
        for run in cell.runs:
            path = run.file("score", "scores") or ""
            # The cell of one K is the nearest to a draw; the mean over K comes last.
            if path not in self.runs or self.runs[path][0].entry["shots"] == "all":
                self.runs[path] = (cell, run)


def panel(picture: Picture, up: str, alt: str, heat: str | None = None) -> str:
    """An image with its lesion's outline, under its heat map if there is one; or a placeholder."""
    if picture.file is None:
        return (
            f'<span class="panel absent" role="img" aria-label="{esc(alt)}">'
            f"<small>{esc(picture.missing)}</small></span>"
        )
    laid = f'<img class="heat" src="{up}{heat}" alt="" loading="lazy">' if heat else ""
    drawn = ""
    if picture.outline:
        drawn = (
            f'<svg class="outline" viewBox="0 0 {SIDE} {SIDE}" aria-hidden="true">'
            f'<path d="{picture.outline}"/></svg>'
        )
    return (
        f'<span class="panel"><img src="{up}{picture.file}" alt="{esc(alt)}" loading="lazy">'
        f"{laid}{drawn}</span>"
    )


def label_name(label: int) -> str:
    return "anomalous" if label else "healthy"
