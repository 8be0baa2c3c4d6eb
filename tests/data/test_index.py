from __future__ import annotations

import hashlib
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from medad.data.account import account
from medad.data.catalog import listing
from medad.data.index import COLUMNS, build
from medad.data.readers import folder
from medad.errors import MedadError
from medad.registry import READERS
from medad.resolve import attribute


@pytest.fixture
def root(tmp_path, write, noise):
    mask = np.zeros((40, 32), np.uint8)
    mask[5:9, 5:9] = 255
    files = {
        "healthy/a.png": noise(0),
        "healthy/b.png": noise(0, 40, 32),
        "healthy/c.png": noise(1),
        "anomalous/d.png": noise(2),
        "anomalous/e.png": noise(3, 50, 60),
        "anomalous/f.png": noise(4),
        "anomalous/g.png": noise(5),
        "masks/d.png": mask,
        "masks/e.png": mask,
        "masks/f.png": mask * 0,
    }
    return write(tmp_path / "set", files)


def index_of(root, **options):
    files = listing(root)
    return build(root, files, folder(list(files)), side=32, correlation=0.99, **options)


def test_one_row_an_image(root):
    index = index_of(root)
    columns = index.columns
    assert tuple(columns) == COLUMNS
    assert columns["path"] == sorted(columns["path"])
    assert columns["label"] == [1, 1, 1, 1, 0, 0, 0]
    row = {name: columns[name][0] for name in COLUMNS}
    content = (root / "anomalous/d.png").read_bytes()
    assert row["sha256"] == hashlib.sha256(content).hexdigest()
    assert (row["size"], row["width"], row["height"], row["mode"]) == (len(content), 32, 40, "L")
    assert row["mask"] == "masks/d.png"
    assert row["mask_sha256"] == hashlib.sha256((root / "masks/d.png").read_bytes()).hexdigest()
    assert len(row["dhash"]) == 16
    assert columns["group"] == [0, 1, 2, 3, 4, 4, 5]  # a and b are the same bytes
    assert index.skipped == []


def test_unusable_masks_are_flagged_and_dropped(root):
    columns = index_of(root).columns
    assert columns["mask"][1:4] == ["", "", ""]
    assert columns["mask_sha256"][1:4] == ["", "", ""]
    assert columns["flags"][:4] == ["", "mask_size", "mask_empty", ""]


def test_all_bad_files_are_reported_at_once(root):
    (root / "healthy/a.png").write_bytes(b"")
    (root / "anomalous/g.png").write_bytes((root / "anomalous/g.png").read_bytes()[:700])
    (root / "masks/d.png").write_bytes(b"mask?")
    with pytest.raises(MedadError) as caught:
        index_of(root)
    message = str(caught.value)
    assert "3 bad files" in message
    assert "healthy/a.png: cannot be decoded (the file is empty)" in message
    assert "anomalous/g.png: cannot be decoded (" in message
    assert "masks/d.png: cannot be decoded (no known image format)" in message
    assert "on_bad: skip" in message

    index = index_of(root, on_bad="skip")
    assert [path for path, _ in index.skipped] == [
        "anomalous/g.png",
        "healthy/a.png",
        "masks/d.png",
    ]
    assert "healthy/a.png" not in index.columns["path"]
    assert index.columns["flags"][0] == "mask_unreadable"
    assert index.columns["mask"][0] == ""


def test_threads_do_not_change_the_index(root):
    assert index_of(root, threads=3) == index_of(root)


def test_files_that_changed_since_the_listing_are_bad(root):
    files = listing(root)
    (root / "healthy/c.png").write_bytes((root / "healthy/a.png").read_bytes())
    with pytest.raises(MedadError, match=r"healthy/c\.png: changed since it was listed"):
        build(root, files, folder(list(files)), side=32, correlation=0.99)


def test_nothing_left_of_a_label_is_an_error_even_when_skipping(root):
    for name in "defg":
        (root / f"anomalous/{name}.png").write_bytes(b"")
    with pytest.raises(MedadError, match="no readable anomalous image"):
        index_of(root, on_bad="skip")


def test_unknown_on_bad_is_an_error(root):
    with pytest.raises(MedadError, match="'ignore'; allowed: stop, skip"):
        index_of(root, on_bad="ignore")


def test_slices_of_a_volume_share_a_group(tmp_path, write, nifti_bytes, noise):
    voxels = np.random.default_rng(0).integers(100, 200, (9, 8, 3)).astype(np.int16)
    labels = np.zeros((9, 8, 3), np.int16)
    labels[4, 4, 1] = 1
    root = write(
        tmp_path,
        {
            "healthy/v.nii": nifti_bytes(voxels),
            "anomalous/w.nii": nifti_bytes(voxels[::-1].copy()),
            "masks/w.nii": nifti_bytes(labels),
        },
    )
    columns = index_of(root).columns
    assert columns["path"] == [
        "anomalous/w.nii#z=1",
        *(f"healthy/v.nii#z={z}" for z in range(3)),
    ]
    assert columns["mask"][0] == "masks/w.nii#z=1"
    assert columns["mode"] == ["NIfTI"] * 4
    assert (columns["width"][0], columns["height"][0]) == (9, 8)
    assert columns["group"] == [0, 1, 1, 1]


def test_progress_is_told(root):
    told = []
    index_of(root, progress=lambda done, total, text: told.append((done, total)))
    assert told == [(n, 7) for n in range(1, 8)]


def _picture(seed: int, kind: str) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 256, (40, 44, 3), dtype=np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, kind)
    return stream.getvalue()


SAME = _picture(99, "PNG")
TREES = {  # as published, but for sizes and numbers: files, then healthy and anomalous images
    "busi": (
        {
            "normal/normal (1).png": _picture(0, "PNG"),
            "benign/benign (433).png": SAME,
            "benign/benign (1)_mask.png": _picture(1, "PNG"),
            "malignant/malignant (145).png": SAME,
        },
        (1, 2),
    ),
    "covid_xray": (
        {
            f"xray_dataset_covid19/{part}/{kind}/{n}.jpeg": _picture(n, "JPEG")
            for n, (part, kind) in enumerate(
                (p, k) for p in ("train", "test") for k in ("NORMAL", "PNEUMONIA")
            )
        },
        (2, 2),
    ),
    "sipakmed": (
        {
            f"im_{kind}/im_{kind}/{name}": _picture(n, form)
            for n, (kind, (name, form)) in enumerate(
                (k, f)
                for k in ("Superficial-Intermediate", "Parabasal", "Koilocytotic", "Dyskeratotic")
                for f in (("001.bmp", "BMP"), ("002.jpg", "JPEG"), ("CROPPED/001_01.bmp", "BMP"))
            )
        },
        (4, 4),
    ),
}


@pytest.mark.parametrize("name", TREES)
def test_a_tree_as_published_is_read_whole(tmp_path: Path, name: str) -> None:
    files, numbers = TREES[name]
    for path, content in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(content)
    seen = listing(tmp_path)
    entries = attribute(READERS[name])(list(seen))
    made = build(tmp_path, seen, entries, side=64, correlation=0.99)
    labels = made.columns["label"]
    assert (labels.count(0), labels.count(1)) == numbers
    found = account(seen, entries, made.columns, made.skipped)
    unused = sum(found["unused"].values()) + found["masks_of_no_image"]
    assert found["used_as_images"] + found["used_as_masks"] + unused == found["files"] == len(files)
    groups = dict(zip(made.columns["path"], made.columns["group"], strict=True))
    copies = len(groups) - len(set(groups.values()))
    assert copies == (name == "busi")  # malignant (145) is a byte copy of benign (433)
    broken = next(entry.path for entry in entries)
    (tmp_path / broken).write_bytes(b"no image")
    with pytest.raises(MedadError, match="1 bad files in"):
        build(tmp_path, listing(tmp_path), entries, side=64, correlation=0.99)
