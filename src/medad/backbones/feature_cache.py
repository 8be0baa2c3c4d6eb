"""Features of a set of images, and a disk cache of those of frozen trunks.

The cache is no artifact: it may be removed at any time, and what comes from it equals, bit for
bit, what is computed without it. It serves every shot count, replicate and detector of a split.
"""

from __future__ import annotations

import fcntl
import hashlib
import platform
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from medad.backbones import cbam, feature_file, norm, preprocess, pyramid, resnet, spec
from medad.backbones.checkpoint import load
from medad.backbones.resnet import Trunk
from medad.data import frame as framing
from medad.data import images as reading
from medad.data import nifti
from medad.data.frame import Frame
from medad.errors import MedadError
from medad.files import sha256
from medad.room import Room

Image = tuple[str, str]  # path below the root, sha256 of the file
Report = Callable[[int, int, str], None]
_One = dict[int, Tensor]
_AT_A_TIME = 16  # images read before they are embedded
_CODE = (cbam, norm, preprocess, pyramid, resnet, spec, reading, framing, nifti)


def extract(
    trunk: Trunk,
    root: Path,
    images: Sequence[Image],
    frame: Frame,
    layers: Sequence[int],
    device: str,
    room: Room | None = None,
) -> dict[int, Tensor]:
    """Layer -> (N, C, h, w) float32 on the CPU, of images read from ``root``.

    Channels last, as everywhere that features are kept, in memory or where ``room`` says.

    One image at a time: the convolutions of some layers round a batch differently from its parts,
    and an image's features must not depend on the images beside it. It costs up to a fifth more
    time than batches of 16.
    """
    whole: dict[int, Tensor] = {}
    for number, one in enumerate(_each(trunk, root, images, frame, layers, device)):
        if not whole:
            for layer, values in one.items():
                _, channels, height, width = values.shape
                shape = (len(images), height, width, channels)
                maps = np.empty(shape, np.float32) if room is None else room.empty(shape)
                whole[layer] = torch.from_numpy(maps).permute(0, 3, 1, 2)
        for layer, values in one.items():
            whole[layer][number] = values[0]
    return whole


def _each(
    trunk: Trunk,
    root: Path,
    images: Sequence[Image],
    frame: Frame,
    layers: Sequence[int],
    device: str,
) -> Iterator[dict[int, Tensor]]:
    """Layer -> (1, C, h, w), image by image.

    Some are read and resized side by side, then embedded: at the same time, they would take cores
    from the convolutions, all of whose threads wait for the slowest.
    """

    def read(image: Image) -> npt.NDArray[np.uint8]:
        return framing.load_frame(root, *image, frame)

    pyramid.place(trunk, device)
    with ThreadPoolExecutor(torch.get_num_threads()) as pool:
        for begin in range(0, len(images), _AT_A_TIME):
            for pixels in list(pool.map(read, images[begin : begin + _AT_A_TIME])):
                yield pyramid.embed(trunk, pixels[None], layers, device)


@dataclass(frozen=True)
class FeatureTable:
    """Features of many images: ``maps`` layer -> (N, h, w, C), ``rows`` image key -> row."""

    maps: Mapping[int, feature_file.Maps]
    rows: Mapping[str, int]

    def take(self, images: Sequence[Image]) -> dict[int, Tensor]:
        """Layer -> (n, C, h, w) of these images, in this order; copies."""
        rows = [self.rows[_key(image)] for image in images]
        chosen = {layer: torch.from_numpy(maps[rows]) for layer, maps in self.maps.items()}
        return {layer: maps.permute(0, 3, 1, 2) for layer, maps in chosen.items()}


def cached_features(
    cache: Path,
    weights: Path,
    images: Sequence[Image],
    root: Path,
    frame: Frame,
    layers: Sequence[int],
    device: str,
    report: Report,
) -> FeatureTable:
    """Features of ``images`` by the trunk in the file ``weights``, extracted at most once.

    One file per layer, named by the hashes of the weights, the set of images (the order and
    repeats do not matter), the frame, and all else that decides the last bits: the code, library
    versions, processor and threads. A file that is damaged or short is made again. Of several
    processes that want the same, one extracts and the others wait.

    Raises MedadError when an image changed or when the cache cannot be written.
    """
    unique = {_key(image): image for image in sorted(images, reverse=True)}
    keys = sorted(unique)
    members = hashlib.sha256("\n".join(keys).encode()).hexdigest()[:24]
    folder = cache / "features" / f"{sha256(weights)[:24]}-{_environment(device)}"
    paths = {layer: folder / f"{members}-{frame.name}-{layer}.npy" for layer in sorted(set(layers))}
    found = feature_file.read(paths, len(keys))
    if len(found) < len(paths):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with _locked(folder / f"{members}-{frame.name}.lock"):
                found = feature_file.read(paths, len(keys))
                missing = {layer: path for layer, path in paths.items() if layer not in found}
                if missing:
                    trunk = load(weights)
                    ordered = [unique[key] for key in keys]
                    each = _each(trunk, root, ordered, frame, tuple(missing), device)
                    feature_file.write(missing, _counted(each, len(keys), report), len(keys))
                    found = feature_file.read(paths, len(keys))
        except OSError as error:
            raise MedadError(
                f"{folder}: the feature cache cannot be written ({error.strerror}); free some "
                "space or delete the folder"
            ) from error
    if len(found) < len(paths):
        raise MedadError(f"{folder}: what was written there reads back damaged; check the disk")
    return FeatureTable(found, {key: row for row, key in enumerate(keys)})


def _counted(each: Iterator[_One], size: int, report: Report) -> Iterator[_One]:
    for done, one in enumerate(each, 1):
        yield one
        report(done, size, "features")


def _key(image: Image) -> str:
    # Slices of a volume share the file's hash and differ in what follows "#".
    path, digest = image
    return digest + "".join(path.partition("#")[1:])


def _environment(device: str) -> str:
    sources = [Path(str(module.__file__)).read_bytes() for module in _CODE]
    code = hashlib.sha256(b"".join(hashlib.sha256(source).digest() for source in sources))
    if device == "cpu":
        chip = f"{platform.machine()} {torch.backends.cpu.get_cpu_capability()}"
        chip += f" {torch.get_num_threads()}"
    else:
        chip = torch.cuda.get_device_name()
    facts = [code.hexdigest(), chip, torch.__version__, np.__version__, _opencv()]
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()[:16]


def _opencv() -> str:
    import cv2

    return str(cv2.__version__)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield
