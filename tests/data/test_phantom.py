from __future__ import annotations

import io
import zipfile

import numpy as np
import pytest
from PIL import Image

from medad.data.leakage import leakage_groups, similar_pairs, thumbnail
from medad.data.phantom import PhantomSpec, anomalous_image, generate, healthy_image, pack
from medad.errors import MedadError

SPEC = PhantomSpec(healthy=24, anomalous=5, duplicates=6, side=64)


@pytest.fixture(scope="module")
def files():
    return generate(SPEC, 3)


def test_names_and_shapes(files):
    assert list(files) == sorted(files)
    counts = {top: sum(name.startswith(top) for name in files) for top in ("h", "a", "m")}
    assert counts == {"h": 24, "a": 5, "m": 5}
    assert {image.shape for image in files.values()} == {(64, 64)}
    assert {image.dtype for image in files.values()} == {np.dtype(np.uint8)}
    for name, image in files.items():
        if name.startswith("masks/"):
            assert set(np.unique(image)) == {0, 255}
            assert name.replace("masks/", "anomalous/") in files


def test_duplicates_are_found_and_nothing_else(files):
    healthy = [name for name in files if name.startswith("healthy/")]
    stack = np.stack([thumbnail(np.repeat(files[n][..., None], 3, 2), 64) for n in healthy])
    groups = leakage_groups(healthy, stack, 0.99)
    assert len(set(groups)) == 24 - 6
    assert len({files[name].tobytes() for name in healthy}) == 24  # none is a byte copy
    assert similar_pairs(stack, 0.98) == similar_pairs(stack, 0.99)  # nothing is near the line


def test_names_do_not_give_the_copies_away(files):
    originals = {healthy_image(3, number, 64).tobytes() for number in range(18)}
    copies = [
        int(name[8:12]) - 1
        for name, image in files.items()
        if name.startswith("healthy/") and image.tobytes() not in originals
    ]
    assert len(copies) == 6
    assert min(copies) < 18


def test_an_image_depends_on_its_number_alone(files):
    fewer = generate(PhantomSpec(healthy=3, anomalous=2, duplicates=0, side=64), 3)
    for name in ("anomalous/0001.png", "anomalous/0002.png", "masks/0002.png"):
        np.testing.assert_array_equal(fewer[name], files[name])
    assert not np.array_equal(anomalous_image(3, 0, 64)[0], anomalous_image(4, 0, 64)[0])


def test_the_zip_is_the_same_twice_and_holds_the_pixels(files):
    content = pack(files)
    assert content == pack(generate(SPEC, 3))
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.namelist() == list(files)
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert {entry.compress_type for entry in archive.infolist()} == {zipfile.ZIP_STORED}
        name = "anomalous/0003.png"
        np.testing.assert_array_equal(Image.open(archive.open(name)), files[name])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"healthy": 0}, "healthy 0"),
        ({"anomalous": 0}, "anomalous 0"),
        ({"duplicates": 24}, "duplicates 24"),
        ({"duplicates": -1}, "duplicates -1"),
        ({"side": 31}, "side 31; allowed: 32 to 1024"),
    ],
)
def test_impossible_numbers_are_refused(change, message):
    values = {"healthy": 24, "anomalous": 5, "duplicates": 6, "side": 64} | change
    with pytest.raises(MedadError, match=message):
        PhantomSpec(**values)


def test_more_copies_than_originals():
    many = generate(PhantomSpec(healthy=5, anomalous=1, duplicates=4, side=32), 0)
    assert len({image.tobytes() for name, image in many.items() if name[0] == "h"}) == 5


def test_another_style_is_of_its_contrasts_alone():
    t1, t2 = (
        generate(PhantomSpec(12, 1, 0, 64, {name: 1.0}), 3)["healthy/0001.png"]
        for name in ("t1", "t2")
    )
    assert not np.array_equal(t1, t2)
    shipped = PhantomSpec(healthy=12, anomalous=1, duplicates=0, side=64)
    same = PhantomSpec(12, 1, 0, 64, {"flair": 0.35, "t2": 0.4, "t1c": 0.1, "t1": 0.15})
    assert pack(generate(shipped, 3)) == pack(generate(same, 3))


@pytest.mark.parametrize("contrasts", [{"t1": 0.5}, {"t1": 0.5, "ct": 0.5}])
def test_frequencies_of_known_contrasts_sum_to_one(contrasts):
    with pytest.raises(MedadError, match="phantom: contrasts"):
        PhantomSpec(2, 1, 0, 64, contrasts)
