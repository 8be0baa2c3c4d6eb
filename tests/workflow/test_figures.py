"""Every figure that is shipped, made by the engine from the steps of a finished project."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import yaml
from project import ROOT, Project

pytestmark = [pytest.mark.engine, pytest.mark.slow]


def test_every_shipped_figure_is_made_of_what_is_there(copy: Callable[[], Project]) -> None:
    project = copy().without_tracking()
    path = project.root / "workflow/tables/consult.yaml"
    entries = yaml.safe_load(path.read_text())
    shipped = yaml.safe_load((ROOT / "workflow/tables/consult.yaml").read_text())
    figures = {name: entry for name, entry in shipped.items() if entry["kind"] == "figure"}
    small = {"fanogan": {"resolution": 32, "epochs": 2, "encoder_epochs": 2}}
    small["ganomaly"] = {"epochs": 2}
    for entry in figures.values():
        # The one method that trains here.
        shown = [
            name if name in ("patchcore", *small) else "consult"
            for name in entry.get("methods", [])
        ]
        entry["methods"] = list(dict.fromkeys(shown))
        if not shown:
            del entry["methods"]
    path.write_text(yaml.safe_dump(entries | figures))
    project.change({"runs": {"figures": sorted(figures)}, "detectors": small})
    before = len(project.records())
    project.snakemake()
    # Reconstructions need networks that no table of this project has.
    networks = {f"{kind}:{name}" for kind in ("head", "score") for name in small}
    assert {step for _, step in project.actions(before)} == {"figure", *networks}
    made = (project.root / "results/figures/phantom/grouped").glob("*.png")
    assert {found.stem for found in made} == set(figures)
    assert project.planned() == set()
