"""What a detector's own training did step by step, as its head keeps it. Imports no torch."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from medad.files import read_arrays

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

HISTORY = "history/"  # before the name of a curve, among the tensors of a head


def of_head(path: Path) -> dict[str, NDArray[np.float64]]:
    """Curves of a head's file by name, (points,); none of a detector that does not train."""
    found = read_arrays(path, HISTORY)
    return {name.removeprefix(HISTORY): curve.astype("float64") for name, curve in found.items()}
