"""The pool of test images: exactly those, with their masks, and never a shot."""

import hashlib
from dataclasses import replace

import cv2
import numpy as np
import pytest

from medad.data.frame import Frame
from medad.errors import MedadError
from medad.files import write_parquet
from medad.synthesis.material import Material
from medad.synthesis.test_images import build

SIDE = 16
# path: label, pool, validation, test; the grey value of an image is 10 times its place here.
IMAGES = {
    "shot.png": (0, True, False, True),  # as in split `paper`, where a shot is a test image
    "pool.png": (0, True, False, False),
    "held.png": (0, False, True, False),
    "well.png": (0, False, False, True),
    "both.png": (0, False, True, True),
    "ill.png": (1, False, False, True),
    "worse.png": (1, False, False, True),
    "bare.png": (1, False, False, True),  # has no mask
    "tiny.png": (1, False, False, True),  # has a mask without a lesion
    "unused.png": (0, False, False, False),
}
MASKED = {"ill.png": 4, "worse.png": 8, "tiny.png": 0, "well.png": 3}  # rows of the mask, of 8


def level(path):
    return 10 * (1 + list(IMAGES).index(path))


def write(folder, path, pixels):
    cv2.imwrite(str(folder / path), pixels)
    return hashlib.sha256((folder / path).read_bytes()).hexdigest()


@pytest.fixture
def colour():
    return set()


@pytest.fixture
def material(tmp_path, colour):
    digests, masks = {}, {}
    for path in IMAGES:
        pixels = np.full((20, 12, 3), level(path), np.uint8)
        if path in colour:
            pixels[..., 0] = 0
        digests[path] = write(tmp_path, path, pixels)
        if path in MASKED:
            mask = np.zeros((8, 8), np.uint8)
            mask[: MASKED[path]] = 255
            masks[path] = ("mask-" + path, write(tmp_path, "mask-" + path, mask))
    split = {"path": list(IMAGES), "sha256": [digests[path] for path in IMAGES]}
    for place, name in enumerate(("label", "pool", "validation", "test")):
        split[name] = [row[place] for row in IMAGES.values()]
    none = ("", "")
    index = {
        "path": list(IMAGES),
        "mask": [masks.get(path, none)[0] for path in IMAGES],
        "mask_sha256": [masks.get(path, none)[1] for path in IMAGES],
    }
    write_parquet(tmp_path / "split.parquet", split)
    write_parquet(tmp_path / "index.parquet", index)
    return Material(
        shots=np.full((1, SIDE, SIDE, 3), level("shot.png"), np.uint8),
        names=("shot.png",),
        files={name: tmp_path / f"{name}.parquet" for name in ("split", "index")},
        root=tmp_path,
        frame=Frame(SIDE),
    )


def made(material, unmasked="drop", report=lambda done, total: None):
    return build(material, {"unmasked": unmasked, "seed": 0}, np.random.default_rng(0), report)


def paths(images):
    return [list(IMAGES)[int(image.max()) // 10 - 1] for image in images]


@pytest.mark.parametrize(
    ("unmasked", "anomalous"),
    [
        ("drop", ["ill.png", "worse.png"]),
        ("keep", ["ill.png", "worse.png", "bare.png", "tiny.png"]),
    ],
)
def test_holds_exactly_the_test_images_and_no_shot(material, unmasked, anomalous):
    pairs = made(material, unmasked)
    assert paths(pairs.originals) == ["shot.png"]
    assert paths(pairs.healthy) == ["well.png", "both.png"]
    assert paths(pairs.anomalous) == anomalous
    rows = [2 * MASKED.get(path, 0) for path in anomalous]
    for mask, count in zip(pairs.masks, rows, strict=True):
        assert mask[:count].all()
        assert not mask[count:].any()
    assert pairs.masks.shape == (len(anomalous), SIDE, SIDE)
    assert {images.dtype for images in (pairs.healthy, pairs.masks)} == {np.dtype(np.uint8)}
    assert pairs.originals.ndim == pairs.healthy.ndim == pairs.anomalous.ndim == 3
    assert pairs.healthy_base.tolist() == [-1, -1]
    assert pairs.anomalous_base.tolist() == [-1] * len(anomalous)


@pytest.mark.parametrize("colour", [{"worse.png"}])
def test_one_image_in_colour_keeps_the_channels_of_all(material):
    pairs = made(material)
    assert pairs.originals.shape[3:] == pairs.healthy.shape[3:] == pairs.anomalous.shape[3:] == (3,)
    assert pairs.anomalous[1, 0, 0].tolist() == [level("worse.png")] * 2 + [0]


def test_follows_from_the_files_alone(material):
    first = made(material)
    other = build(material, {"unmasked": "drop"}, np.random.default_rng(9), lambda *_: None)
    for name, array in first.arrays().items():
        assert np.array_equal(array, other.arrays()[name])


def test_no_masks_at_all_are_an_error_with_the_way_out(material):
    index = {"path": list(IMAGES), "mask": [""] * 10, "mask_sha256": [""] * 10}
    write_parquet(material.files["index"], index)
    message = "no masked anomalous test image; add masks/ .*unmasked to keep"
    with pytest.raises(MedadError, match=message):
        made(material)
    assert len(made(material, "keep").anomalous) == 4


def test_every_healthy_test_image_a_shot_is_an_error(material):
    every = replace(material, names=("shot.png", "well.png", "both.png"))
    with pytest.raises(MedadError, match="no healthy test image; change the split"):
        made(every)


def test_another_choice_is_an_error(material):
    with pytest.raises(MedadError, match="unmasked: got 'maybe', allowed: drop or keep"):
        made(material, "maybe")


@pytest.mark.parametrize("path", ["well.png", "ill.png", "mask-ill.png"])
def test_a_file_that_changed_is_refused_by_name(material, path):
    (material.root / path).write_bytes(b"other")
    with pytest.raises(MedadError, match=f"^{path}: changed"):
        made(material)


def test_progress_counts_the_images_read(material):
    seen = []
    made(material, report=lambda done, total: seen.append((done, total)))
    assert seen == [(done, 6) for done in range(1, 7)]
