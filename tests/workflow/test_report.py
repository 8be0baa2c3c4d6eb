"""Snakemake's own report of a finished project."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable

import pytest
import yaml
from project import Project

pytestmark = pytest.mark.engine


def test_the_report_holds_table_and_figure_with_their_captions(
    copy: Callable[[], Project],
) -> None:
    project = copy()
    before = project.contents()
    # A proxy that is not there: whatever wanted the network would fail.
    project.run(
        *("env", *(f"{name}=http://127.0.0.1:9" for name in ("http_proxy", "https_proxy"))),
        *("python", "-m", "snakemake", "all", "--cores", "1", "--report", "report.html"),
    )
    text = (project.root / "report.html").read_text()
    (found,) = re.findall(r"^ *var results = (?={\")(.*)$", text, flags=re.M)
    results = json.loads(found.rstrip(";"))
    table, figure = (
        results[path]
        for path in ("results/tables/table1.md", "results/figures/phantom/grouped/figure1.png")
    )
    assert len(results) == 2
    assert "table1</tt>: our mean over draws with its interval" in table["caption"]
    assert "Leakage groups and draws are resampled together" in table["caption"]
    entries = yaml.safe_load((project.root / "workflow/tables/consult.yaml").read_text())
    about = " ".join(entries["figure1"]["about"].split())
    assert about[:40] in " ".join(figure["caption"].split())
    for path, entry in (
        ("tables/table1.md", table),
        ("figures/phantom/grouped/figure1.png", figure),
    ):
        content = (project.root / "results" / path).read_bytes()
        assert base64.b64decode(entry["data_uri"].partition("base64,")[2]) == content
    assert project.contents() == before
    assert project.planned() == set()
