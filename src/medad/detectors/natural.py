"""Natural images from a pinned zip: EfficientAD's ImageNet."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import torch
from torch import Tensor

from medad.data.decoding import decode
from medad.data.images import archive, open_bytes, square
from medad.detectors.alterations import maybe_grey
from medad.errors import MedadError
from medad.files import sha256

_SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".webp"}


@dataclass(frozen=True)
class NaturalImages:
    """The images of a zip, in the order of their names."""

    path: Path
    names: tuple[str, ...]

    @classmethod
    def of(cls, path: Path, pinned: str) -> NaturalImages:
        """MedadError when the zip is missing, has another sha256 or holds no image."""
        if not path.is_file() or path.suffix.lower() != ".zip":
            raise MedadError(f"{path}: no such zip; place it there or change `natural_images`")
        if (found := sha256(path)) != pinned:
            raise MedadError(f"{path}: sha256 is {found}, natural_sha256 says {pinned}; fix either")
        listed = archive(path).namelist()
        names = tuple(sorted(n for n in listed if PurePosixPath(n).suffix.lower() in _SUFFIXES))
        if not names:
            raise MedadError(f"{path}: holds no image; allowed are {', '.join(sorted(_SUFFIXES))}")
        return cls(path, names)

    def at(self, index: int, side: int) -> Tensor:
        """(1, 3, side, side) float32 in [0, 1]: one image, resized to a square."""
        name = self.names[index]
        pixels = square(decode(open_bytes(self.path, name), name).pixels, side)
        return torch.from_numpy(pixels).permute(2, 0, 1)[None].float() / 255

    def draw(self) -> int:
        """A random index, drawn by torch's own function."""
        return int(torch.randint(len(self.names), ()))

    def foreign(self, side: int) -> Tensor:
        """(1, 3, side, side): the middle of a drawn image of twice the side, grey 3 times in 10."""
        begin = side // 2
        large = self.at(self.draw(), 2 * side)
        return maybe_grey(large[:, :, begin : begin + side, begin : begin + side], 0.3)
