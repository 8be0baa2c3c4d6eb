from __future__ import annotations

import shutil
from collections.abc import Callable

import pytest
from project import Project

from medad import layout
from medad.errors import MedadError
from medad.files import read_csv
from medad.lineage import export, record

pytestmark = pytest.mark.engine
TABLE = "results/tables/table1.csv"


def test_steps_come_in_the_order_of_the_pipeline_once_each(finished: Project) -> None:
    steps = export.steps(finished.root, TABLE)
    assert steps[-1].node.path == "results/tables/table1.manifest.json"
    assert len({step.key for step in steps}) == len(steps) == 30
    place = {step.node.path: number for number, step in enumerate(steps)}
    for step in steps:
        for item in step.node.manifest["inputs"].values():
            made = layout.parse(item["path"])
            assert made is None or place[layout.manifest(*made)] < place[step.node.path]


def test_the_record_is_that_of_the_computation_not_of_a_later_restoring(
    copy: Callable[[], Project],
) -> None:
    root = copy().root
    split = "results/splits/phantom/grouped.parquet"
    before = export.steps(root, split)[-1]
    assert before.record is not None
    assert before.name == "splits/phantom/grouped"
    clock, told = record.Clock.start(), before.node.manifest
    record.write(root, told, "restored", clock, compute_s=0, device="none", log="x.log")
    assert len(record.of_key(root, before.key)) == 2
    assert export.steps(root, split)[-1].record == before.record
    shutil.rmtree(root / "results/records")
    assert export.steps(root, split)[-1].started is None


def test_what_a_step_read_of_the_images(finished: Project) -> None:
    nodes = {step.node.path: step.node for step in export.steps(finished.root, TABLE)}
    index = nodes["results/index/phantom/index.manifest.json"]
    every = export.image_paths(finished.root, index)
    masks = [path for path in every if path.startswith("masks/")]
    assert (len(every), len(masks)) == (40, 8)
    draw = read_csv(finished.root / "results/shots/phantom/grouped/k4/r0.csv")
    head = nodes["results/heads/phantom/grouped/consult/k4/r0.manifest.json"]
    assert export.image_paths(finished.root, head) == sorted(row["path"] for row in draw)


def test_a_target_without_manifests_is_refused(finished: Project) -> None:
    with pytest.raises(MedadError, match="no manifest"):
        export.steps(finished.root, "results/tables/table9.csv")
