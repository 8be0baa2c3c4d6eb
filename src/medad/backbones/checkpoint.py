"""Trunks on disk: safetensors with the specification in the metadata."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from medad.backbones.resnet import Trunk, empty
from medad.backbones.spec import TrunkSpec
from medad.errors import MedadError
from medad.files import read_safetensors, write_safetensors


def save(path: Path, trunk: Trunk, extra: Mapping[str, object]) -> None:
    """Write a trunk; ``extra`` (JSON values) joins ``trunk`` in the metadata."""
    write_safetensors(path, trunk.state_dict(), {"trunk": asdict(trunk.spec), **extra})


def load(path: Path) -> Trunk:
    """The trunk a file holds, in eval mode; MedadError when it holds none or another one."""
    tensors, metadata = read_safetensors(path)
    if not isinstance(metadata, dict) or "trunk" not in metadata:
        raise MedadError(f"{path}: not a trunk of medad; plain weights go through backbone.weights")
    trunk = empty(TrunkSpec.parse(metadata["trunk"]))
    try:
        trunk.load_state_dict(tensors)
    except RuntimeError as error:
        reason = " ".join(str(error).split())
        raise MedadError(f"{path}: tensors do not fit their description: {reason}") from error
    return trunk


def unchanged(path: Path) -> bool:
    """Whether stage 1 left the weights in this file as they were."""
    metadata = read_safetensors(path)[1]
    return isinstance(metadata, dict) and metadata.get("unchanged") is True
