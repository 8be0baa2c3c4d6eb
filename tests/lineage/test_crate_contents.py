from __future__ import annotations

from collections.abc import Callable

import pytest
from project import Project

from medad.errors import MedadError
from medad.files import digest, read_json, read_parquet, write_json, write_parquet
from medad.lineage import manifest
from medad.lineage.crate_contents import describe

pytestmark = pytest.mark.engine
FIGURE = "results/figures/phantom/grouped/figure1.png"
HEAD = "results/heads/phantom/grouped/padim/k2/r0.safetensors"


def test_what_was_asked_for_is_inside_even_if_it_is_drawn_or_a_model(finished: Project) -> None:
    assert FIGURE in describe(finished.root, FIGURE).copied
    of_head = describe(finished.root, HEAD)
    assert HEAD in of_head.copied
    weights = "results/weights/resnet18.random.safetensors"
    assert weights not in of_head.copied
    assert [e["sha256"] for e in of_head.entities.values() if e.get("name") == weights] == [
        digest(finished.root / weights).sha256
    ]


def test_an_image_that_no_index_knows_is_refused(copy: Callable[[], Project]) -> None:
    root = copy().root
    path = root / "results/scores/phantom/grouped/padim/k2/r0.parquet"
    columns = read_parquet(path)
    columns["path"][0] = "healthy/9999.png"
    write_parquet(path, columns)
    known = path.with_name("r0.manifest.json")
    found = read_json(known)
    found["outputs"]["scores"]["sha256"] = digest(path).sha256
    write_json(known, manifest.seal(found))
    with pytest.raises(MedadError, match=r"'healthy/9999.png', which is not in the index"):
        describe(root, "results/scores/phantom/grouped/padim/k2/r0.parquet")
