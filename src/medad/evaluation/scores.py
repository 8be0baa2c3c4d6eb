"""The score file of one run: the contract between detectors and evaluation."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from medad.errors import MedadError
from medad.files import read_parquet

COLUMNS = ("path", "sha256", "label", "group", "role", "score")


@dataclass(frozen=True)
class Scores:
    """Columns of equal length n: image path, its hash, label (0 healthy, 1 anomalous), leakage
    group, role ("test" or "validation") and score (float64, higher is more anomalous)."""

    path: NDArray[np.str_]
    sha256: NDArray[np.str_]
    label: NDArray[np.int64]
    group: NDArray[np.int64]
    role: NDArray[np.str_]
    score: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.path)

    def rows(self, role: str) -> NDArray[np.int64]:
        """Positions of the images of one role, ascending."""
        return np.flatnonzero(self.role == role)

    def take(self, rows: NDArray[np.int64]) -> Scores:
        """The given rows, in the given order."""
        return Scores(*(getattr(self, name)[rows] for name in COLUMNS))


def read_scores(path: Path) -> Scores:
    """Scores of a Parquet file; MedadError for missing columns, NaN, or a path that repeats."""
    columns = read_parquet(path)
    missing = [name for name in COLUMNS if name not in columns]
    if missing:
        raise MedadError(f"{path}: no column {', '.join(missing)}; got {', '.join(columns)}")
    scores = Scores(
        path=np.array(columns["path"], np.str_),
        sha256=np.array(columns["sha256"], np.str_),
        label=np.array(columns["label"], np.int64),
        group=np.array(columns["group"], np.int64),
        role=np.array(columns["role"], np.str_),
        score=np.array(columns["score"], np.float64),
    )
    if np.isnan(scores.score).any():
        first = str(scores.path[np.isnan(scores.score)][0])
        raise MedadError(f"{path}: the score of {first} is NaN; the detector has failed")
    if len(np.unique(scores.path)) != len(scores):
        raise MedadError(f"{path}: an image is listed more than once; allowed: once per run")
    return scores
