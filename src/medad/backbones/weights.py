"""Where the weights of a trunk come from: a seed, torchvision's published file, or a file."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from http.client import HTTPException
from pathlib import Path
from pickle import UnpicklingError  # the name of an error only; nothing is unpickled

import torch
from torch import Generator, Tensor

from medad.backbones.published import cached_path, published
from medad.backbones.resnet import Trunk, build, empty
from medad.backbones.spec import TrunkSpec
from medad.errors import MedadError
from medad.files import read_safetensors, sha256


def random(name: str, seed: int) -> Trunk:
    """A seeded trunk of all four stages, initialised as torchvision does."""
    return build(TrunkSpec(name, depth=4), Generator().manual_seed(seed))


def imagenet(name: str, path: Path | None = None) -> Trunk:
    """torchvision's IMAGENET1K_V1 weights: from ``path``, torch.hub's cache or the network.

    Raises MedadError when the file cannot be had or its hash is not the published one.
    """
    path = path or download(name)
    if not sha256(path).startswith(published(name).sha256_prefix):
        raise MedadError(
            f"{path}: damaged, or not {published(name).file}: its sha256 does not start with "
            f"{published(name).sha256_prefix}; delete the file and run again"
        )
    return from_state(name, read_state(path), str(path))


def download(name: str) -> Path:
    """The published file in torch.hub's cache, downloaded (hash checked) when it is not there."""
    path, source = cached_path(name), published(name)
    if path.is_file():
        return path
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.hub.download_url_to_file(source.url, str(path), source.sha256_prefix, progress=False)
    # The network's errors and the disk's are OSError or HTTPException, a wrong hash RuntimeError.
    except (OSError, HTTPException, RuntimeError) as error:
        raise MedadError(
            f"cannot download {source.url} ({error}); place the file at {path}, "
            "or set backbone.weights to random or file"
        ) from error
    return path


def from_file(name: str, path: Path, pinned: str | None) -> Trunk:
    """Weights of a local safetensors or state-dict file.

    ``pinned``: the sha256 it must have, or None when the caller has checked it. Raises MedadError
    on a missing or damaged file, another hash, or keys and shapes of another network.
    """
    if not path.is_file():
        raise MedadError(f"{path}: no such file; place it there or change backbone.file")
    if pinned is not None and (found := sha256(path)) != pinned:
        raise MedadError(f"{path}: sha256 is {found}, backbone.sha256 says {pinned}; fix either")
    return from_state(name, read_state(path), str(path))


def read_state(path: Path) -> dict[str, Tensor]:
    """Tensors by name of a ``.safetensors`` file or of a state dict saved by torch.

    A state dict is read with ``weights_only``: it cannot run code.
    """
    if path.suffix == ".safetensors":
        return read_safetensors(path)[0]
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, EOFError, RuntimeError, UnpicklingError, zipfile.BadZipFile) as error:
        first = str(error).partition("\n")[0]
        raise MedadError(f"{path}: not a state dict that is safe to load ({first})") from error
    if not isinstance(state, Mapping) or not all(isinstance(v, Tensor) for v in state.values()):
        raise MedadError(f"{path}: not a plain state dict of tensors; save model.state_dict()")
    return dict(state)


def from_state(name: str, state: Mapping[str, Tensor], origin: str) -> Trunk:
    """A ReLU trunk without attention from tensors under torchvision's names.

    Stem to layer3 must be there, layer4 whole or not at all; ``fc`` is ignored. Anything else
    missing, unexpected or of another shape is a MedadError that lists it under ``origin``.
    """
    given = {
        key: value.float()
        for key, value in state.items()
        if not key.startswith("fc.") and not key.endswith(".num_batches_tracked")
    }
    depth = 4 if any(key.startswith("layer4.") for key in given) else 3
    trunk = empty(TrunkSpec(name, depth=depth))
    own = trunk.state_dict()
    problems = {
        "missing": sorted(own.keys() - given.keys()),
        "unexpected": sorted(given.keys() - own.keys()),
        "of another shape": sorted(
            key for key in own.keys() & given.keys() if own[key].shape != given[key].shape
        ),
    }
    found = [f"{what} {_shorten(keys)}" for what, keys in problems.items() if keys]
    if found:
        raise MedadError(
            f"{origin}: not the weights of a {name}: {'; '.join(found)}; "
            "allowed is what torchvision calls them, without layer4 or fc if need be"
        )
    trunk.load_state_dict(given)
    return trunk


def _shorten(keys: list[str], most: int = 8) -> str:
    rest = f" and {len(keys) - most} more" if len(keys) > most else ""
    return ", ".join(keys[:most]) + rest
