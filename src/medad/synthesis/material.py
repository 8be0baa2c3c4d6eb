"""What the pool of one draw is made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from medad.data.frame import Frame


@dataclass(frozen=True)
class Material:
    """``shots``: uint8 RGB (K, side, side, 3), in the order of the draw; ``names``: their paths.

    ``files``: the step's inputs by name, for a synthesis that reads more than the shots; ``root``:
    folder or archive of the images, whose hashes stand in those files; ``frame``: what of them
    is seen.
    """

    shots: npt.NDArray[np.uint8]
    names: tuple[str, ...]
    files: Mapping[str, Path]
    root: Path
    frame: Frame
