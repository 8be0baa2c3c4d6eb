"""Made images with scores and maps of two methods, and a way to look at a PNG."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from medad.files import write_npz, write_parquet
from medad.task import Task

SIDE = 32
ODD = "a_$b^{c$ \\frac 100% <é>"
METHODS = ("patchcore", "consult")


def _inches(content: bytes) -> tuple[float, float]:
    """Width and height of a figure, which must decode and hold no date and no version."""
    names, at = [], 8
    while at < len(content):
        size, name = struct.unpack(">I4s", content[at : at + 8])
        names.append(name.decode())
        at += size + 12
    assert set(names) == {"IHDR", "pHYs", "IDAT", "IEND"}
    pixels = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    assert pixels.std() > 1
    return pixels.shape[1] / 200, pixels.shape[0] / 200


@pytest.fixture
def inches() -> Callable[[bytes], tuple[float, float]]:
    return _inches


@pytest.fixture
def odd() -> str:
    """A title that is no mathematics."""
    return ODD


@pytest.fixture
def make_task(tmp_path: Path) -> Callable[..., Task]:
    """Eight images, the first for validation, the last four anomalous, the last with a mask."""

    def make(**params: Any) -> Task:
        rng = np.random.default_rng(0)
        label = [0] * 4 + [1] * 4
        paths, digests = [], []
        for row in range(len(label)):
            content = _png(rng.integers(0, 255, (40, 40, 3), np.uint8))
            (tmp_path / f"{row}.png").write_bytes(content)
            paths.append(f"{row}.png")
            digests.append(hashlib.sha256(content).hexdigest())
        mask = np.zeros((40, 40), np.uint8)
        mask[10:20, 10:20] = 255
        (tmp_path / "mask.png").write_bytes(_png(mask))
        masks = [""] * 7 + ["mask.png"]
        digest = hashlib.sha256(_png(mask)).hexdigest()
        columns: dict[str, list[Any]] = {"path": paths, "mask": masks}
        index = {**columns, "mask_sha256": [digest if name else "" for name in masks]}
        write_parquet(tmp_path / "index.parquet", index)
        inputs = {"index": tmp_path / "index.parquet"}
        for method in METHODS:
            scores = {
                "path": paths,
                "sha256": digests,
                "label": label,
                "group": list(range(8)),
                "role": ["validation"] + ["test"] * 7,
                "score": rng.random(8).tolist(),
            }
            write_parquet(tmp_path / f"{method}.parquet", scores)
            maps = rng.random((8, 4, 4)).astype(np.float16)
            write_npz(tmp_path / f"{method}.npz", {"maps": maps})
            inputs[f"scores/{method}/k4/r0"] = tmp_path / f"{method}.parquet"
            inputs[f"maps/{method}/k4/r0"] = tmp_path / f"{method}.npz"
        return Task(
            kind="figure",
            identity={"figure": "figure1", "dataset": "phantom", "split": "grouped"},
            params={
                "seed": 0,
                "title": ODD,
                "side": SIDE,
                "smoothing": 1.0,
                "methods": list(METHODS),
                "shots": [4],
                "draws": [0],
                **params,
            },
            inputs=inputs,
            outputs={"figure": tmp_path / "out.png"},
            scratch=tmp_path,
            cache=tmp_path,
            live=tmp_path / "live",
            locations={"images": tmp_path},
        )

    return make


def _png(pixels: np.ndarray[Any, Any]) -> bytes:
    return bytes(cv2.imencode(".png", pixels)[1].tobytes())
