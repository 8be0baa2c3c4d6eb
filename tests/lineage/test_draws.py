from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from medad import layout
from medad.files import write_csv, write_json, write_parquet
from medad.lineage import draws, evidence
from medad.lineage.graph import Node

RUN = {"dataset": "d", "split": "paper", "method": "m", "k": 2, "r": 0}
SHOTS = [("a", "0", "7"), ("b", "1", "3")]  # path, sha256, group
SCORED = [
    ("c", "2", "test", 0, 7),
    ("d", "3", "test", 1, 9),
    ("e", "4", "validation", 0, 3),
    ("f", "5", "test", 0, 7),
]


def node(root: Path, kind: str, names: list[str], parents: list[Node]) -> Node:
    outputs = {}
    for name in names:
        path = layout.output(kind, RUN, name)
        outputs[name] = {"path": path, "sha256": evidence.sha256(root / path)}
    found: dict[str, Any] = {"kind": kind, "identity": RUN, "outputs": outputs, "seeds": {kind: 1}}
    return Node(layout.manifest(kind, RUN), found, parents)


@pytest.fixture
def metrics(tmp_path: Path) -> Node:
    rows = [dict(zip(("path", "sha256", "group"), row, strict=True)) for row in SHOTS]
    write_csv(tmp_path / layout.output("shots", RUN, "shots"), ["path", "sha256", "group"], rows)
    names = ("path", "sha256", "role", "label", "group")
    columns = dict(zip(names, map(list, zip(*SCORED, strict=True)), strict=True))
    write_parquet(tmp_path / layout.output("score", RUN, "scores"), {**columns, "score": [0.0] * 4})
    write_json(tmp_path / layout.output("metrics", RUN, "metrics"), {"auroc": 0.5})
    shots = node(tmp_path, "shots", ["shots"], [])
    score = node(tmp_path, "score", ["scores"], [shots])
    return node(tmp_path, "metrics", ["metrics"], [score])


def test_a_run_has_its_shots_what_it_scored_and_the_copies(tmp_path: Path, metrics: Node) -> None:
    found = draws.run(tmp_path, metrics)
    assert found["draw"] == [{"path": "a", "sha256": "0"}, {"path": "b", "sha256": "1"}]
    assert found["scored"][1] == {"path": "d", "sha256": "3", "role": "test", "label": 1}
    assert found["counts"] == {
        "test": {"healthy": 2, "anomalous": 1},
        "validation": {"healthy": 1, "anomalous": 0},
    }
    assert found["copies"] == {"test": ["c", "f"], "validation": ["e"]}
    assert found["values"] == {"auroc": 0.5}
    assert found["seeds"] == {kind: {kind: 1} for kind in ("metrics", "score", "shots")}
    assert list(found["artifacts"]["shots"]) == ["results/shots/d/paper/k2/r0.csv"]


def test_images_are_the_same_from_runs_and_from_steps(tmp_path: Path, metrics: Node) -> None:
    expected = {"shots": ["0", "1"], "test": ["2", "3", "5"], "validation": ["4"]}
    assert draws.images(tmp_path, metrics.up()) == expected
    run = draws.run(tmp_path, metrics)
    assert draws.images_of([run, run]) == expected
