"""A cell's page against its audit."""

from __future__ import annotations

import json
import re

import pytest
from pages import Site, plain

from medad.site import provenance

pytestmark = pytest.mark.engine
TABLE = "results/tables/table1"


def test_a_cells_page_names_every_hash_seed_parameter_and_module(site: Site) -> None:
    page = plain(site.read(site.cell("CONSULT", "K4")))
    asked = ("audit", f"{TABLE}.csv", "--row", "CONSULT", "--column", "K4", "--json")
    found = json.loads(site.project.medad(*asked).stdout)
    (run,) = found["runs"]
    for outputs in run["artifacts"].values():
        for path, digest in outputs.items():
            assert path in page
            assert digest in page
    for drawn in run["seeds"].values():
        assert all(str(seed) in page for seed in drawn.values())
    for name, digest in found["code"]["modules"].items():
        assert name in page
        assert digest in page
    assert found["commits"][0]["commit"] in page
    for name, value in provenance.flat(found["parameters"]["stage1"]):
        assert re.search(rf"{re.escape(name)}\s+{re.escape(value)}\s", page), name
    for library, version in found["libraries"][0].items():
        assert re.search(rf"{library}\s+{re.escape(version)}", page)
    assert found["machines"][0]["cpu"] in page
    chosen = f"{TABLE}.csv --row CONSULT --column K4 --dataset phantom --split grouped"
    assert f"medad audit {chosen}" in page
    assert f"medad reproduce {chosen}" in page
