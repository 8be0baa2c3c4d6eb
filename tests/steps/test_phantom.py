from __future__ import annotations

import zipfile
from pathlib import Path

from medad.steps import phantom
from medad.task import Task


def make(tmp_path: Path, seed: int, name: str = "images") -> Path:
    output = tmp_path / f"{name}.zip"
    task = Task(
        kind="phantom",
        identity={"dataset": "phantom"},
        params={
            "seed": seed,
            "healthy": 4,
            "anomalous": 2,
            "duplicates": 1,
            "side": 32,
            "contrasts": {"t2": 1.0},
        },
        inputs={},
        outputs={"images": output},
        scratch=tmp_path,
        cache=tmp_path,
        live=tmp_path / "live",
    )
    phantom.run(task)
    assert list(task.seeds) == ["phantom"]
    return output


def test_the_archive_has_the_images_asked_for(tmp_path):
    with zipfile.ZipFile(make(tmp_path, 0)) as archive:
        assert archive.namelist() == [
            *(f"anomalous/000{n}.png" for n in (1, 2)),
            *(f"healthy/000{n}.png" for n in (1, 2, 3, 4)),
            *(f"masks/000{n}.png" for n in (1, 2)),
        ]


def test_same_seed_same_bytes(tmp_path):
    first, again, other = (
        make(tmp_path, seed, str(number)).read_bytes() for number, seed in enumerate((0, 0, 1))
    )
    assert first == again
    assert first != other
