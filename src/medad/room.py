"""Where a step keeps large arrays: in memory, and in a file what memory is not meant to hold."""

from __future__ import annotations

import math
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from medad.errors import MedadError


class Room:
    """Gives float32 arrays; ``memory`` bytes of them in memory, the others in nameless files.

    The files lie in ``folder`` and vanish with the array. Which of both it was changes no result.
    """

    def __init__(self, memory: int, folder: Path) -> None:
        self.left = memory
        self.folder = folder

    def empty(self, shape: Sequence[int]) -> NDArray[np.float32]:
        """An array of ``shape`` to be filled.

        Raises MedadError when there is no space for the file.
        """
        size = 4 * math.prod(shape)
        if size <= self.left:
            self.left -= size
            return np.empty(shape, np.float32)
        try:
            with tempfile.TemporaryFile(dir=self.folder) as stream:
                # Now, since a full disk kills a process that writes through a memory map.
                os.posix_fallocate(stream.fileno(), 0, size)
                return np.memmap(stream, np.float32, "r+", shape=tuple(shape))
        except OSError as error:
            raise MedadError(
                f"{self.folder}: cannot hold {size / 2**20:.0f} MiB of features "
                f"({error.strerror}); free some space there, or raise max_memory"
            ) from error
