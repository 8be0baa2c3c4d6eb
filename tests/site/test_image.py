"""An image's page against index, shots and scores read without medad."""

from __future__ import annotations

import csv
import re

import pytest
from pages import Site, plain

pytestmark = pytest.mark.engine


def test_an_images_page_has_its_facts_and_every_rank(site: Site) -> None:
    (shot, *_) = csv.DictReader(
        (site.project.root / "results/shots/phantom/grouped/k2/r0.csv").open()
    )
    page = plain(site.read(f"images/{shot['sha256']}.html"))
    (row,) = [
        r for r in site.rows("results/index/phantom/index.parquet") if r["path"] == shot["path"]
    ]
    for value in (row["path"], row["sha256"], f"{row['size']:,} bytes", "pool", "healthy"):
        assert value in page
    assert "K = 2, draw 0" in page
    assert "K = 4, draw 0" in page
    assert "it was only drawn from" in page
    tested = site.rows("results/scores/phantom/grouped/padim/k2/r0.parquet")
    test = [r for r in tested if r["role"] == "test"]
    best = max(test, key=lambda r: r["score"])
    page = plain(site.read(f"images/{best['sha256']}.html"))
    assert re.search(rf"PaDiM, K = 2\s.*?1\s+of 21\s+{best['score']:#.4g}", page, flags=re.S)
    assert "hits" in page or "false alarms" in page
