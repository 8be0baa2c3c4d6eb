"""The features a teacher is taught: slow averages; and that it learns them."""

import numpy as np
import pytest
import torch

from medad.backbones.resnet import build
from medad.backbones.spec import TrunkSpec
from medad.detectors.distillation import described, distil, enlarged, statistics
from medad.detectors.pdn import PatchDescription, grid
from medad.detectors.training import Training


def slow_pool(values, count):
    """Adaptive average: bin i is from floor(i n / count) to ceil((i + 1) n / count)."""
    n = len(values)
    ends = [(i * n // count, -(-(i + 1) * n // count)) for i in range(count)]
    return np.array([values[begin:end].mean() for begin, end in ends])


def slow_patches(maps):
    channels, height, width = maps.shape
    padded = np.pad(maps, ((0, 0), (1, 1), (1, 1)))
    found = np.zeros((1024, height, width))
    for y in range(height):
        for x in range(width):
            found[:, y, x] = slow_pool(padded[:, y : y + 3, x : x + 3].reshape(9 * channels), 1024)
    return found


class Told:
    """In the place of a trunk: says what it is told to."""

    spec = TrunkSpec("resnet18")

    def __init__(self, *answers):
        self.answers = list(answers)

    def __call__(self, images, layers):
        return self.answers.pop(0)


def test_channels_are_averaged_as_patchcores_code_does():
    torch.manual_seed(0)
    layers = {2: torch.rand(1, 5, 9, 9), 3: torch.rand(1, 130, 9, 9)}
    expected = np.concatenate([slow_patches(layers[layer][0].numpy()) for layer in (2, 3)])
    inside = expected[:, 4:5, 4:5]
    wanted = np.apply_along_axis(slow_pool, 0, inside, 12)
    found = described(Told(layers), torch.rand(1, 3, 72, 72), 12)
    assert found[0].numpy() == pytest.approx(wanted, abs=1e-5)


def test_a_coarse_layer_is_brought_to_the_fine_grid():
    coarse = torch.rand(1, 1, 6, 6)
    fine = torch.nn.functional.interpolate(coarse, scale_factor=2, mode="bilinear")
    both = Told(*({2: torch.zeros(1, 1, 12, 12), 3: given} for given in (coarse, fine)))
    found = [described(both, torch.rand(1, 3, 96, 96), 4) for _ in range(2)]
    # Averages of enlarged maps are not quite enlarged averages: 3 x 3 is taken on the own grid.
    assert found[0].shape == (1, 4, 4, 4)
    assert torch.allclose(found[0].mean(), found[1].mean(), atol=0.05)


@pytest.mark.parametrize("side", [36, 50, 64])
def test_the_grid_is_the_networks(side):
    trunk = build(TrunkSpec("resnet18", depth=3), torch.Generator().manual_seed(0))
    images = enlarged(torch.rand(2, 3, side, side)).large
    maps = described(trunk, images, 7)
    assert maps.shape == (2, 7, grid(side), grid(side))


def test_the_trunk_sees_pixels_as_it_says():
    trunk = build(TrunkSpec("resnet18", normalisation="half"), torch.Generator().manual_seed(0))
    images = torch.rand(1, 3, 72, 72)
    seen = []
    trunk.conv1.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    described(trunk, images, 7)
    assert torch.equal(seen[0], (images - 0.5) / 0.5)


def test_statistics_are_of_all_positions_of_all_maps():
    torch.manual_seed(0)
    maps = torch.rand(5, 3, 4, 4)
    maps[:, 2] = 0.25
    mean, deviation = statistics(maps.split(1))
    numbers = maps.numpy().transpose(1, 0, 2, 3).reshape(3, -1)
    assert mean.flatten().numpy() == pytest.approx(numbers.mean(1))
    assert deviation.flatten()[:2].numpy() == pytest.approx(numbers[:2].std(1), rel=1e-5)
    assert deviation[2] == pytest.approx(1e-6)


def test_a_teacher_learns(tmp_path):
    torch.manual_seed(0)
    images = torch.nn.functional.interpolate(torch.rand(2, 3, 6, 6), (48, 48), mode="bilinear")
    trunk = build(TrunkSpec("resnet18", depth=3), torch.Generator().manual_seed(0))
    teacher = PatchDescription("small", 8, 0.1)
    optimizer = torch.optim.Adam(teacher.parameters(), 0.01)

    def drawn():
        index = int(torch.randint(2, ()))
        return enlarged(images[index : index + 1])

    curves = distil(teacher, trunk, drawn, 8, 2, optimizer, 40, Training(0, tmp_path, "x"))
    curve = curves["distillation"]
    assert curve[0] == pytest.approx(1, abs=0.5)  # a teacher that says nothing, of a deviation of 1
    assert curve[-5:].mean() < 0.5 * curve[0]
