"""What anomalib's students say of an image, for ours of the same weights."""

from pathlib import Path

import numpy as np
import pytest
from filled import image


@pytest.fixture
def recorded():
    """Recorded once from anomalib 2.7.0's STFPM and reverse distillation of 64 pixels, with
    ``filled.fill`` and ``seen``."""
    with np.load(Path(__file__).parent / "fixtures" / "teachers.npz") as archive:
        return dict(archive)


@pytest.fixture
def seen():
    """(1, 3, 64, 64), about as normalised images are."""
    return (image(64) - 0.45) / 0.225
