"""Small datasets on disk."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image


def encode(pixels: np.ndarray, kind: str = "PNG") -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, kind)
    return stream.getvalue()


@pytest.fixture
def noise() -> Callable[..., np.ndarray]:
    """uint8 images that resemble no other: ``noise(seed, height, width)``."""

    def make(seed: int, height: int = 40, width: int = 32) -> np.ndarray:
        return np.random.default_rng(seed).integers(0, 256, (height, width), dtype=np.uint8)

    return make


@pytest.fixture
def write() -> Callable[..., Path]:
    """Write arrays or bytes below a folder: ``write(root, {path: content})``."""

    def make(root: Path, files: dict[str, np.ndarray | bytes]) -> Path:
        for name, content in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            kind = "JPEG" if path.suffix.lower() in {".jpg", ".jpeg"} else "PNG"
            path.write_bytes(content if isinstance(content, bytes) else encode(content, kind))
        return root

    return make


@pytest.fixture
def nifti_bytes() -> Callable[..., bytes]:
    """A NIfTI file's bytes: ``nifti_bytes(voxels, affine)``."""

    def make(voxels: np.ndarray, affine: np.ndarray | None = None, gzipped: bool = False) -> bytes:
        import gzip

        import nibabel

        image = nibabel.Nifti1Image(voxels, np.eye(4) if affine is None else affine)
        content = image.to_bytes()
        return gzip.compress(content, mtime=0) if gzipped else content

    return make
