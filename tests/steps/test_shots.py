from __future__ import annotations

from pathlib import Path

import pytest

from medad.errors import MedadError
from medad.files import read_csv, write_parquet
from medad.steps import shots
from medad.task import Task

GROUPS = [0, 0, 0, 1, 2, 3, 4, 5]
POOL = [True] * 6 + [False] * 2


def draw(tmp_path: Path, k: int, r: int, split: str = "grouped") -> list[dict[str, str]]:
    columns = {
        "path": [f"healthy/{number}.png" for number in range(8)],
        "sha256": [f"hash {number}" for number in range(8)],
        "label": [0] * 8,
        "group": GROUPS,
        "pool": POOL,
        "validation": [False] * 8,
        "test": [not flag for flag in POOL],
    }
    write_parquet(tmp_path / "split.parquet", columns)
    task = Task(
        kind="shots",
        identity={"dataset": "toy", "split": split, "k": k, "r": r},
        params={"seed": 0},
        inputs={"split": tmp_path / "split.parquet"},
        outputs={"shots": tmp_path / "shots.csv"},
        scratch=tmp_path,
        cache=tmp_path,
        live=tmp_path / "live",
    )
    shots.run(task)
    return read_csv(task.outputs["shots"])


def test_smaller_draws_are_prefixes(tmp_path):
    for r in range(5):
        whole = draw(tmp_path, 4, r)
        assert [row["rank"] for row in whole] == ["0", "1", "2", "3"]
        assert draw(tmp_path, 2, r) == whole[:2]
        assert draw(tmp_path, 1, r) == whole[:1]


def test_replicates_and_splits_differ(tmp_path):
    draws = {tuple(row["path"] for row in draw(tmp_path, 4, r)) for r in range(8)}
    assert len(draws) > 4
    assert len({draw(tmp_path, 1, r, "paper")[0]["path"] for r in range(30)}) == 6


def test_rows_describe_pool_images(tmp_path):
    for row in draw(tmp_path, 4, 0):
        number = int(row["path"].removeprefix("healthy/").removesuffix(".png"))
        assert POOL[number]
        assert row["sha256"] == f"hash {number}"
        assert row["group"] == str(GROUPS[number])


def test_grouped_takes_one_image_a_group(tmp_path):
    for r in range(10):
        assert sorted(row["group"] for row in draw(tmp_path, 4, r)) == ["0", "1", "2", "3"]
    with pytest.raises(MedadError, match=r"K = 5 .* has 4 independent"):
        draw(tmp_path, 5, 0)


@pytest.mark.parametrize("split", ["paper", "adfa"])
def test_other_splits_take_images(tmp_path, split):
    assert len({row["path"] for row in draw(tmp_path, 6, 0, split)}) == 6
    with pytest.raises(MedadError, match="K = 7"):
        draw(tmp_path, 7, 0, split)
