"""The score file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from medad.errors import MedadError
from medad.evaluation.scores import read_scores
from medad.files import write_parquet

COLUMNS = {
    "path": ["b.png", "a.png", "c.png"],
    "sha256": ["2", "1", "3"],
    "label": [1, 0, 0],
    "group": [5, 4, 4],
    "role": ["test", "test", "validation"],
    "score": [0.5, 0.25, 0.75],
}


def test_columns_roles_and_order(tmp_path: Path) -> None:
    path = tmp_path / "scores.parquet"
    write_parquet(path, COLUMNS)
    scores = read_scores(path)
    assert len(scores) == 3
    assert scores.score.dtype == np.float64
    assert scores.rows("validation").tolist() == [2]
    test = scores.take(scores.rows("test"))
    assert test.path.tolist() == ["b.png", "a.png"]
    assert test.group.tolist() == [5, 4]
    assert test.score.tolist() == [0.5, 0.25]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"score": [0.5, float("nan"), 0.75]}, "score of a.png is NaN"),
        ({"path": ["a.png", "a.png", "c.png"]}, "more than once"),
        ({"group": None}, "no column group"),
    ],
)
def test_refuses(tmp_path: Path, change: dict[str, list[object] | None], message: str) -> None:
    path = tmp_path / "scores.parquet"
    columns = {**COLUMNS, **change}
    write_parquet(path, {name: values for name, values in columns.items() if values is not None})
    with pytest.raises(MedadError, match=message):
        read_scores(path)
