from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from medad.data.catalog import listing
from medad.data.index import COLUMNS
from medad.data.phantom import PhantomSpec, generate, pack
from medad.errors import MedadError
from medad.files import read_csv, read_json, read_parquet, write_json
from medad.steps import index
from medad.task import Task


@pytest.fixture
def root(tmp_path):
    files = generate(PhantomSpec(healthy=4, anomalous=2, duplicates=1, side=64), 0)
    for name, pixels in files.items():
        path = tmp_path / "set" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        stream = io.BytesIO()
        Image.fromarray(pixels).save(stream, "PNG")
        path.write_bytes(stream.getvalue())
    (tmp_path / "set.zip").write_bytes(pack(files))
    return tmp_path / "set"


def task_of(tmp_path: Path, root: Path, on_bad: str = "stop") -> Task:
    """A task on a folder with its listing, or on the phantom's archive."""
    if root.is_dir():
        write_json(tmp_path / "listing.json", {"files": listing(root)})
        inputs = {"listing": tmp_path / "listing.json"}
    else:
        inputs = {"images": root}
    return Task(
        kind="index",
        identity={"dataset": "toy"},
        params={
            "seed": 0,
            "implementation": "medad.data.readers:folder",
            "on_bad": on_bad,
            "leakage": {"thumbnail": 64, "correlation": 0.99},
        },
        inputs=inputs,
        outputs={
            "index": tmp_path / "i.parquet",
            "skipped": tmp_path / "s.csv",
            "listing": tmp_path / "l.json",
            "counts": tmp_path / "c.json",
        },
        scratch=tmp_path,
        cache=tmp_path,
        live=tmp_path / "live",
        locations={"images": root},
    )


def test_folder_and_archive_give_the_same_index(tmp_path, root):
    tables = []
    for source in (root, root.with_suffix(".zip")):
        task = task_of(tmp_path, source)
        index.run(task)
        tables.append(task.outputs["index"].read_bytes())
        assert read_csv(task.outputs["skipped"]) == []
        assert read_json(task.outputs["listing"]) == {"files": listing(root)}
    assert tables[0] == tables[1]
    columns = read_parquet(task.outputs["index"])
    assert tuple(columns) == COLUMNS
    assert columns["label"] == [1, 1, 0, 0, 0, 0]
    assert columns["mask"][:2] == ["masks/0001.png", "masks/0002.png"]
    assert len(set(columns["group"])) == 5  # one healthy image is a copy


def test_bad_files_stop_or_are_listed(tmp_path, root):
    (root / "healthy/0002.png").write_bytes(b"no image")
    with pytest.raises(MedadError, match=r"healthy/0002\.png"):
        index.run(task_of(tmp_path, root))
    task = task_of(tmp_path, root, "skip")
    index.run(task)
    assert read_csv(task.outputs["skipped"]) == [
        {"path": "healthy/0002.png", "reason": "cannot be decoded (no known image format)"}
    ]
    assert len(read_parquet(task.outputs["index"])["path"]) == 5


def test_pixels_decide_the_hash(tmp_path, root):
    task = task_of(tmp_path, root)
    index.run(task)
    before = read_parquet(task.outputs["index"])
    inverted = 255 - np.asarray(Image.open(root / "healthy/0001.png"))
    Image.fromarray(inverted).save(root / "healthy/0001.png")
    task = task_of(tmp_path, root)
    index.run(task)
    after = read_parquet(task.outputs["index"])
    changed = [
        path
        for path, old, new in zip(before["path"], before["dhash"], after["dhash"], strict=True)
        if old != new
    ]
    assert changed == ["healthy/0001.png"]
