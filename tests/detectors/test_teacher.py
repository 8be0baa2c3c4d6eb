"""Where a teacher comes from: a pinned file, views of the shots or natural images."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from PIL import Image

from medad.backbones.checkpoint import save
from medad.backbones.resnet import build
from medad.backbones.spec import TrunkSpec
from medad.detectors.efficientad_parameters import EfficientADParameters
from medad.detectors.natural import NaturalImages
from medad.detectors.pdn import PatchDescription
from medad.detectors.teacher import teacher_of
from medad.detectors.training import Training
from medad.errors import MedadError
from medad.files import sha256, write_safetensors

DEFAULTS = yaml.safe_load((Path(__file__).parents[2] / "params.yaml").read_text())["detectors"]
SMALL = {**DEFAULTS["efficientad"], "side": 48, "width": 0.05, "channels": 6, "distil_steps": 2}
SHOTS = torch.rand(2, 3, 48, 48, generator=torch.Generator().manual_seed(0))


def from_file(path, **changes):
    pinned = sha256(path) if path.is_file() else "0" * 64
    settings = {**SMALL, "teacher": "file", "teacher_sha256": pinned, **changes}
    training = Training(0, path.parent, "x", inputs={"teacher": path})
    return teacher_of(EfficientADParameters.of(settings), SHOTS, None, training)


@pytest.mark.parametrize("suffix", ["safetensors", "pth"])
def test_a_file_gives_the_teacher(tmp_path, suffix):
    source, path = PatchDescription("small", 6, 0.05), tmp_path / f"teacher.{suffix}"
    if suffix == "pth":
        torch.save(source.state_dict(), path)
    else:
        write_safetensors(path, source.state_dict(), None)
    teacher, curves = from_file(path)
    assert curves == {}
    assert not teacher.training
    assert torch.equal(teacher(SHOTS), source(SHOTS))


def test_an_absent_file_says_what_to_do(tmp_path):
    with pytest.raises(
        MedadError, match=r"no such file; place the weights .* set teacher to distil"
    ):
        from_file(tmp_path / "teacher.pth")


def test_a_file_of_another_hash_is_refused(tmp_path):
    path = tmp_path / "teacher.pth"
    torch.save(PatchDescription("small", 6, 0.05).state_dict(), path)
    with pytest.raises(MedadError, match="teacher_sha256 says 0000000"):
        from_file(path, teacher_sha256="0" * 64)


def test_a_file_of_a_whole_object_is_refused(tmp_path):
    path = tmp_path / "teacher.pth"
    torch.save(PatchDescription("small", 6, 0.05), path)
    with pytest.raises(MedadError, match="not a state dict that is safe to load"):
        from_file(path)


def test_a_file_of_another_network_is_refused(tmp_path):
    path = tmp_path / "teacher.pth"
    torch.save(PatchDescription("small", 6, 0.05).state_dict(), path)
    with pytest.raises(MedadError, match="not this patch description network"):
        from_file(path, size="medium")


def archive(path, count=3):
    with zipfile.ZipFile(path, "w") as zipped:
        zipped.writestr("readme.txt", "no image")
        for number in range(count):
            content = io.BytesIO()
            noise = np.random.default_rng(number).integers(0, 256, (60, 80, 3), dtype=np.uint8)
            Image.fromarray(noise).save(content, "png")
            zipped.writestr(f"n{number}/picture.png", content.getvalue())
    return path


def distilled(tmp_path, natural=None, **changes):
    trunk = build(TrunkSpec("resnet18", depth=3), torch.Generator().manual_seed(0))
    save(tmp_path / "trunk.safetensors", trunk, {})
    inputs = {"weights": tmp_path / "trunk.safetensors"}
    settings = {**SMALL, "natural_sha256": "0" * 64, **changes}
    training = Training(0, tmp_path, "x", inputs=inputs)
    return teacher_of(EfficientADParameters.of(settings), SHOTS, natural, training)


def test_distilled_on_shots_or_on_natural_images(tmp_path):
    natural = NaturalImages.of(archive(tmp_path / "n.zip"), sha256(tmp_path / "n.zip"))
    first, curves = distilled(tmp_path)
    second, _ = distilled(tmp_path, natural, distil_on="images", distil_batch=2)
    assert curves["distillation"].shape == (2,)
    assert not first.training
    assert not torch.equal(first(SHOTS), second(SHOTS))
