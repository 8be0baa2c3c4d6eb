"""Positions of one image at a time."""

import pytest
import torch

from medad.backbones.pyramid import aggregate
from medad.detectors.grid import positions
from medad.errors import MedadError


def test_each_image_equals_its_aggregate_on_the_finest_grid():
    features = {2: torch.rand(3, 4, 6, 6), 3: torch.rand(3, 5, 3, 3)}
    grids = list(positions(features, (3, 2), 3, "cpu"))
    assert [grid.shape for grid in grids] == [(9, 6, 6)] * 3
    for index, grid in enumerate(grids):
        one = {layer: maps[index : index + 1] for layer, maps in features.items()}
        assert torch.equal(grid, aggregate(one, (3, 2), 2, 3)[0])


def test_names_the_layers_that_are_missing():
    with pytest.raises(MedadError, match=r"layers \[1, 3\] .* have \[2\]"):
        next(positions({2: torch.rand(1, 4, 6, 6)}, (1, 2, 3), 1, "cpu"))


def test_names_the_image_with_nan():
    features = {2: torch.rand(3, 4, 6, 6)}
    features[2][2, 0, 0, 0] = float("nan")
    with pytest.raises(MedadError, match="image 2"):
        list(positions(features, (2,), 1, "cpu"))
