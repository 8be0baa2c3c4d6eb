"""A small brain-like image and the shipped parameters."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml

from medad.synthesis.parameters import ConsultSynthesis

PARAMS = Path(__file__).parents[2] / "params.yaml"


@pytest.fixture(scope="session")
def shipped():
    """``synthesis.consult`` of the shipped params.yaml, as plain values."""
    return yaml.safe_load(PARAMS.read_text(encoding="utf-8"))["synthesis"]["consult"]


@pytest.fixture(scope="session")
def parameters(shipped):
    return ConsultSynthesis.of({**shipped, "pairs": 6})


@pytest.fixture(scope="session")
def draw_head():
    """Function (side, seed) -> grey uint8 (side, side): a textured ellipse with a dark hole."""

    def draw(side, seed):
        rng = np.random.default_rng(seed)
        image = rng.integers(0, 12, (side, side)).astype(np.uint8)
        centre = (side // 2 + seed, side // 2)
        brain = np.zeros_like(image)
        cv2.ellipse(brain, centre, (side // 3, int(side * 0.42)), 0, 0, 360, 1, cv2.FILLED)
        texture = rng.integers(110, 190, image.shape).astype(np.uint8)
        image = np.where(brain > 0, texture, image)
        cv2.ellipse(image, centre, (side // 12, side // 8), 0, 0, 360, 5, cv2.FILLED)
        return image

    return draw


@pytest.fixture(scope="session")
def head(draw_head):
    """Grey uint8 (96, 96)."""
    return draw_head(96, 0)
