"""The first page against the table's own CSV."""

from __future__ import annotations

import csv
from collections.abc import Callable

import numpy as np
import pytest
from pages import Pieces, Site, plain
from project import Project

from medad import layout
from medad.files import digest, write_csv, write_json
from medad.lineage import manifest
from medad.reporting.sizes import COLUMNS
from medad.site import index, leakage

pytestmark = pytest.mark.engine
TABLE = "results/tables/table1"


def test_every_cell_of_the_csv_is_a_link_with_its_numbers(site: Site) -> None:
    page = site.read("index.html")
    with (site.project.root / f"{TABLE}.csv").open() as stream:
        lines = list(csv.DictReader(stream))
    for line in lines:
        column = "all" if line["shots"] == "all" else f"K{line['shots']}"
        link = site.cell(line["row"], column)
        start = page.index(link)
        shown = plain(page[start - 30 : page.index("</td>", start)])
        for value in (line["auroc"], line["low"], line["high"]):
            assert f"{float(value):.3f}" in shown
        assert (line["paper"] in shown) if line["paper"] else ("paper" not in shown)
        assert (line["verdict"] in shown) == (column != "all")
        assert f"{float(line['auroc']):.3f}" in plain(site.read(link))
    assert "leaky by design" in page  # explained, though no row of this table is


def test_a_table_needs_no_notes(pieces: Callable[..., Pieces]) -> None:
    found = pieces()
    assert 'class="notes"' in index.page(found.album, [found.table])
    found.table.node.manifest["params"].pop("notes")
    assert 'class="notes"' not in index.page(found.album, [found.table])


def test_numbers_of_images_are_shown_too(
    pieces: Callable[..., Pieces], copy: Callable[[], Project]
) -> None:
    found = pieces(project=copy())
    root, place = found.album.material.root, {"sizes": "adfa_table2"}
    line = dict.fromkeys(COLUMNS, "") | {"row": "<b>", "split": "adfa", "train_healthy": "58"}
    paths = layout.outputs("sizes", place, {})
    write_csv(root / paths["csv"], COLUMNS, [line])
    (root / paths["markdown"]).write_text("# Sizes")
    half = manifest.Half("sizes", {}, {"title": "Sizes", "source": "here"}, 1, {})
    written = {name: (path, digest(root / path)) for name, path in paths.items()}
    path = root / layout.manifest("sizes", place)
    write_json(path, manifest.build(half, place, {}, written, {}))
    page = index.page(found.album, [found.table])
    article = page[page.index('<article id="adfa_table2">') :]
    assert "&lt;b&gt;, split adfa" in article
    assert "<td>58</td>" in article
    assert (found.album.gallery.site / "tables/adfa_table2.csv").is_file()


def test_index_and_leakage_alone_need_no_cell(pieces: Callable[..., Pieces]) -> None:
    found = pieces()
    first = index.page(found.album, [found.table])
    assert first.count('class="cell"') == 9
    assert (found.album.gallery.site / "tables/table1.csv").is_file()
    groups = leakage.page(found.album, [found.table])
    assert groups.count("<li><h4>Group") == 3
    maps = found.album.material.maps(found.cell.runs[0])
    assert maps is not None
    assert np.isfinite(maps.astype(np.float64)).all()
