from __future__ import annotations

from pathlib import Path

import pytest

from medad.config.load import load
from medad.config.models import FolderDataset
from medad.errors import MedadError

ROOT = Path(__file__).resolve().parents[2]


def test_where_a_dataset_lies() -> None:
    config = load(ROOT, {"datasets": {"folder": {"root": "/images"}}})
    assert config.root_of("folder") == Path("/images")
    assert config.root_of("brain_mri") == Path("data/raw/brain_mri")
    assert config.root_of("phantom") == Path("results/index/phantom/images.zip")
    assert isinstance(config.datasets["folder"], FolderDataset)


def test_weights_of_an_architecture_are_its_own_file_or_none() -> None:
    pinned = {"file": "a.safetensors", "sha256": "a" * 64}
    other = {"file": "b.safetensors", "sha256": "b" * 64}
    given = {"weights": "file", **pinned, "others": {"resnet50": other}}
    backbone = load(ROOT, {"backbone": given}).backbone
    assert backbone.source("resnet18") == pinned
    assert backbone.source("resnet50") == other
    with pytest.raises(KeyError):
        backbone.source("wide_resnet50_2")
    assert load(ROOT).backbone.source("resnet50") == {"file": None, "sha256": None}
    with pytest.raises(MedadError, match="needs both `file` and its `sha256`"):
        load(ROOT, {"backbone": {"weights": "file", "file": "a.safetensors"}})


def test_frequencies_of_contrasts_sum_to_one() -> None:
    with pytest.raises(MedadError, match="frequencies must sum to 1"):
        load(ROOT, {"datasets": {"phantom": {"contrasts": {"t1": 0.5}}}})
