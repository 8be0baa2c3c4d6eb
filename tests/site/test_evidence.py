"""What a cell's page shows, against the scores read without medad."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from pages import Pieces, Site
from project import Project

from medad.site import cell as cell_page
from medad.site import evidence, image
from medad.site.pictures import ABSENT

pytestmark = pytest.mark.engine


def test_the_examples_are_the_extremes_of_the_scores(site: Site) -> None:
    page = site.read(site.cell("PatchCore", "K4"))
    scored = site.rows("results/scores/phantom/grouped/patchcore/k4/r0.parquet")
    test = sorted((r for r in scored if r["role"] == "test"), key=lambda r: -r["score"])
    part = page[page.index('id="examples"') : page.index('id="parameters"')]
    shown = re.findall(r"<bdi>([^<]+)</bdi> rank (\d+) of 21, score ([0-9.]+)", part)
    assert len(shown) == len({path for path, _, _ in shown}) == 16
    for path, rank, score in shown:
        (own,) = [r for r in test if r["path"] == path]
        assert int(rank) == 1 + sum(r["score"] > own["score"] for r in test)
        assert float(score) == pytest.approx(own["score"], rel=1e-3)
    anomalous = [r["path"] for r in test if r["label"]]
    assert [path for path, _, _ in shown[:4]] == anomalous[:4]
    assert [path for path, _, _ in shown[4:8]] == anomalous[:3:-1]
    assert part.count('class="heat"') == 16
    assert part.count('class="outline"') == 16  # twice for each of eight lesions


def test_a_method_without_training_has_no_training_nor_pairs(
    pieces: Callable[..., Pieces],
) -> None:
    found = pieces("PaDiM")
    assert evidence.training(found.album, found.cell) == ""
    assert evidence.pairs(found.album, found.cell) == ""
    page = cell_page.page(found.album, found.table, found.cell)
    assert 'id="training"' not in page
    assert 'href="#training"' not in page


def test_what_is_known_by_hash_only_is_said_to_be(
    copy: Callable[[], Project], pieces: Callable[..., Pieces]
) -> None:
    project = copy()
    results = project.root / "results"
    for path in [
        results / "index/phantom/images.zip",
        *results.glob("scores/**/*.maps.npz"),
        *results.glob("pairs/**/*.png"),
        *results.glob("stage1/**/*.jsonl"),
    ]:
        path.unlink()
    found = pieces(project=project)
    page = cell_page.page(found.album, found.table, found.cell)
    assert page.count(ABSENT) == 4 + 16 + 1  # shots, examples, the contact sheet
    assert "the maps are not on this machine" in page
    assert "The curves are not on this machine" in page
    assert 'class="sheet"' not in page
    assert 'class="heat"' not in page
    for path, text in image.pages(found.album):
        assert path.startswith("images/")
        assert ABSENT in text
