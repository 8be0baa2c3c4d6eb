"""Files of the feature cache: npy with a checksum behind the data."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

Maps = NDArray[np.float32]  # (N, h, w, C), a memory map
_CHECKSUM = struct.Struct("<I")


def write(paths: Mapping[int, Path], each: Iterable[Mapping[int, Tensor]], size: int) -> None:
    """Stream ``size`` images, each layer -> (1, C, h, w), into one file a layer; then rename.

    Plain writes, since a full disk kills a process that writes through a memory map. The caller
    holds a lock, so a temporary file that is there already is a killed run's and is overwritten.
    """
    partial = {layer: path.with_suffix(".partial") for layer, path in paths.items()}
    try:
        with ExitStack() as stack:
            streams: dict[int, IO[bytes]] = {
                layer: stack.enter_context(path.open("wb")) for layer, path in partial.items()
            }
            sums = dict.fromkeys(paths, 0)
            for number, one in enumerate(each):
                for layer, stream in streams.items():
                    values = one[layer].permute(0, 2, 3, 1).numpy().astype("<f4", copy=False)
                    if number == 0:
                        shape = (size, *values.shape[1:])
                        header = {"descr": "<f4", "fortran_order": False, "shape": shape}
                        np.lib.format.write_array_header_1_0(stream, header)
                    content = values.tobytes()
                    sums[layer] = zlib.crc32(content, sums[layer])
                    stream.write(content)
            for layer, stream in streams.items():
                stream.write(_CHECKSUM.pack(sums[layer]))
        for layer, path in paths.items():
            partial[layer].replace(path)
    finally:
        for path in partial.values():
            path.unlink(missing_ok=True)


def read(paths: Mapping[int, Path], size: int) -> dict[int, Maps]:
    """Memory maps of those files that are whole and hold ``size`` images."""
    maps = {layer: _read(path, size) for layer, path in paths.items()}
    return {layer: values for layer, values in maps.items() if values is not None}


def _read(path: Path, size: int) -> Maps | None:
    try:
        maps = np.lib.format.open_memmap(path, mode="r")
        with path.open("rb") as stream:
            end = stream.seek(-_CHECKSUM.size, 2)
            (expected,) = _CHECKSUM.unpack(stream.read())
    except (OSError, ValueError):  # absent, short, or not npy
        return None
    if maps.dtype != np.dtype("<f4") or maps.ndim != 4 or len(maps) != size:
        return None
    found = 0
    for row in maps:
        found = zlib.crc32(row, found)
    return maps if (end, expected) == (maps.offset + maps.nbytes, found) else None
