"""Natural images: those of the zip, its middle for the penalty, and what is refused."""

import io
import zipfile

import numpy as np
import pytest
import torch
from PIL import Image

from medad.detectors.natural import NaturalImages
from medad.errors import MedadError
from medad.files import sha256


def archive(path, count=3):
    with zipfile.ZipFile(path, "w") as zipped:
        zipped.writestr("readme.txt", "no image")
        for number in range(count):
            content = io.BytesIO()
            noise = np.random.default_rng(number).integers(0, 256, (60, 80, 3), dtype=np.uint8)
            Image.fromarray(noise).save(content, "png")
            zipped.writestr(f"n{number}/picture.png", content.getvalue())
    return path


def test_natural_images_are_those_of_the_zip(tmp_path):
    path = archive(tmp_path / "n.zip")
    natural = NaturalImages.of(path, sha256(path))
    assert natural.names == ("n0/picture.png", "n1/picture.png", "n2/picture.png")
    assert natural.at(1, 20).shape == (1, 3, 20, 20)
    torch.manual_seed(0)
    assert {natural.draw() for _ in range(30)} == {0, 1, 2}


def test_the_penalty_sees_the_middle(tmp_path):
    path = archive(tmp_path / "n.zip", count=1)
    natural = NaturalImages.of(path, sha256(path))
    middle = natural.at(0, 40)[:, :, 10:30, 10:30]
    torch.manual_seed(0)
    crops = [natural.foreign(20) for _ in range(40)]
    coloured = [crop for crop in crops if torch.equal(crop, middle)]
    assert 18 < len(coloured) < 38
    grey = [crop for crop in crops if torch.equal(crop[:, 0], crop[:, 1])]
    assert len(coloured) + len(grey) == 40


def test_natural_images_that_are_not_there_are_errors(tmp_path):
    with pytest.raises(MedadError, match="no such zip"):
        NaturalImages.of(tmp_path / "n.zip", "0" * 64)
    path = archive(tmp_path / "n.zip", count=0)
    with pytest.raises(MedadError, match="natural_sha256 says 0000"):
        NaturalImages.of(path, "0" * 64)
    with pytest.raises(MedadError, match="holds no image"):
        NaturalImages.of(path, sha256(path))
