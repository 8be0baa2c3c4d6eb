"""ImageNet weights as torchvision publishes them: where they are, without importing torch."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from urllib.request import Request, urlopen

from medad.errors import MedadError

BASE_URL = "https://download.pytorch.org/models/"


@dataclass(frozen=True)
class Published:
    """One file; the eight hex digits in its name are the start of its sha256."""

    file: str

    @property
    def url(self) -> str:
        return BASE_URL + self.file

    @property
    def sha256_prefix(self) -> str:
        return self.file.removesuffix(".pth").rpartition("-")[2]


# IMAGENET1K_V1 of each, the weights of the papers' time.
PUBLISHED = {
    "resnet18": Published("resnet18-f37072fd.pth"),
    "resnet50": Published("resnet50-0676ba61.pth"),
    "wide_resnet50_2": Published("wide_resnet50_2-95faca4d.pth"),
}


def published(name: str) -> Published:
    """Published weights of a trunk; MedadError listing the names there are."""
    if name not in PUBLISHED:
        raise MedadError(f"backbone.name: got {name!r}, allowed {sorted(PUBLISHED)}")
    return PUBLISHED[name]


def cached_path(name: str) -> Path:
    """Where torch.hub keeps, or would keep, the file.

    ``$TORCH_HOME/hub/checkpoints``, TORCH_HOME being ``torch`` in $XDG_CACHE_HOME or ~/.cache
    unless set.
    """
    cache = os.getenv("XDG_CACHE_HOME", "~/.cache")
    home = os.getenv("TORCH_HOME", os.path.join(cache, "torch"))
    return Path(home).expanduser() / "hub" / "checkpoints" / published(name).file


def available(name: str) -> Path | None:
    """The file in torch.hub's cache, or None when it would have to be downloaded."""
    path = cached_path(name)
    return path if path.is_file() else None


def require(name: str) -> None:
    """MedadError when the file is neither cached nor reachable: said before any work is done."""
    if available(name) is not None:
        return
    request = Request(published(name).url, method="HEAD")
    try:
        urlopen(request, timeout=10).close()
    except OSError as error:
        raise MedadError(
            f"backbone.weights: imagenet needs {published(name).file}, which is neither at "
            f"{cached_path(name)} nor downloadable ({error}); place it there, or set "
            "backbone.weights to file or random"
        ) from error
