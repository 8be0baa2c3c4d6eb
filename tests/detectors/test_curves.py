"""Curves of a head, read without torch."""

from pathlib import Path

import pytest
import torch

from medad.detectors.curves import of_head
from medad.errors import MedadError
from medad.files import write_safetensors


def test_curves_are_what_training_wrote(tmp_path: Path) -> None:
    path = tmp_path / "head.safetensors"
    tensors = {
        "history/loss": torch.tensor([2.0, 1.0]),
        "history/topk_mass": torch.tensor([0.25]),
        "net/weight": torch.zeros(3),
    }
    write_safetensors(path, tensors, {})
    found = of_head(path)
    assert {name: curve.tolist() for name, curve in found.items()} == {
        "loss": [2.0, 1.0],
        "topk_mass": [0.25],
    }
    assert found["loss"].dtype == "float64"
    write_safetensors(path, {"bank": torch.zeros(3)}, {})
    assert of_head(path) == {}
    path.write_bytes(b"no tensors")
    with pytest.raises(MedadError, match=r"head\.safetensors: cannot be read as safetensors"):
        of_head(path)
