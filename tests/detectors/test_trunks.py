"""Teachers that stay as they are, students that learn, and what both see."""

import numpy as np
import pytest
import torch
from torch import nn

from medad.backbones.checkpoint import save
from medad.backbones.norm import FixedNorm
from medad.backbones.resnet import build
from medad.backbones.spec import TrunkSpec
from medad.detectors.training import Training
from medad.detectors.trunks import embedded, frozen_trunk, learning_trunk, pixels, untrained
from medad.errors import MedadError


@pytest.fixture
def weights(tmp_path):
    path = tmp_path / "trunk.safetensors"
    save(path, build(TrunkSpec("resnet18"), torch.Generator().manual_seed(0)), {})
    return path


def test_a_teacher_is_the_files_trunk_as_far_as_asked(weights):
    teacher = frozen_trunk(weights, "resnet18", 2, "cpu")
    assert teacher.spec.depth == 2
    assert not any(p.requires_grad for p in teacher.parameters())
    whole = build(TrunkSpec("resnet18"), torch.Generator().manual_seed(0))
    x = torch.rand(1, 3, 32, 32)
    with torch.no_grad():
        assert torch.equal(teacher(x, [2])[2], whole(x, [2])[2])
    for name, depth in (("resnet50", 3), ("resnet18", 4)):
        with pytest.raises(MedadError, match="cannot become"):
            frozen_trunk(weights, name, depth, "cpu")


def test_a_student_has_ordinary_norms_and_weights_of_its_seed(tmp_path):
    one, same, other = (
        learning_trunk("resnet18", 3, Training(seed, tmp_path, "")) for seed in (1, 1, 2)
    )
    assert not any(isinstance(m, FixedNorm) for m in one.modules())
    assert sum(isinstance(m, nn.BatchNorm2d) for m in one.modules()) == 15
    assert torch.equal(one.conv1.weight, same.conv1.weight)
    assert not torch.equal(one.conv1.weight, other.conv1.weight)
    assert one.state_dict().keys() == untrained("resnet18", 3, learns=True).state_dict().keys()
    before = one.bn1.running_mean.clone()
    one(torch.rand(2, 3, 32, 32), [1])
    assert not torch.equal(one.bn1.running_mean, before)


def test_features_are_those_of_each_image_alone(weights):
    teacher = frozen_trunk(weights, "resnet18", 3, "cpu")
    seen = torch.rand(3, 3, 32, 32)
    found = embedded(teacher, seen, (1, 3), "cpu")
    with torch.no_grad():
        alone = teacher(seen[1:2], (1, 3))
    assert all(torch.equal(found[layer][1:2], alone[layer]) for layer in (1, 3))


def test_pixels_are_normalised_and_checked():
    white = np.full((2, 32, 32, 3), 255, np.uint8)
    assert torch.equal(pixels(white, 32, "half"), torch.ones(2, 3, 32, 32))
    found = pixels(white, 32, "imagenet")
    assert found.shape == (2, 3, 32, 32)
    assert found[0, :, 0, 0].tolist() == pytest.approx([2.2489, 2.4286, 2.64], abs=1e-4)
    for wrong in (np.zeros((1, 32, 32, 3), np.float32), np.zeros((1, 16, 16, 3), np.uint8)):
        with pytest.raises(MedadError, match=r"images: got .*, allowed: uint8 \(N, 32, 32, 3\)"):
            pixels(wrong, 32, "imagenet")
