from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from project import Project

from medad.errors import MedadError
from medad.lineage.graph import Graph, relative


@pytest.mark.engine
def test_a_number_leads_to_its_images_each_step_once(finished: Project) -> None:
    node = Graph(finished.root).of_file("results/metrics/phantom/grouped/consult/k2/r0.json")
    kinds = [above.kind for above in node.up()]
    assert kinds[0] == "metrics"
    assert sorted(kinds) == sorted(set(kinds))
    assert {"stage1", "pairs", "shots", "split", "index", "phantom", "weights"} <= set(kinds)


@pytest.mark.engine
def test_a_broken_chain_is_an_error(copy: Callable[[], Project]) -> None:
    project = copy()
    (project.root / "results/splits/phantom/grouped.manifest.json").unlink()
    with pytest.raises(MedadError, match=r"splits/phantom/grouped.*no manifest"):
        Graph(project.root).of_file("results/tables/table1.csv")


@pytest.mark.engine
def test_a_step_alone_reads_no_ancestry(copy: Callable[[], Project]) -> None:
    project = copy()
    (project.root / "results/splits/phantom/grouped.manifest.json").unlink()
    graph = Graph(project.root)
    node = graph.alone(graph.manifest_of("results/tables/table1.csv"))
    assert (node.kind, node.parents) == ("table", [])


def test_paths_are_relative_to_the_project(tmp_path: Path) -> None:
    assert relative(tmp_path, str(tmp_path / "results" / ".." / "a")) == "a"
    with pytest.raises(MedadError, match="lies outside the project"):
        relative(tmp_path, "/")
