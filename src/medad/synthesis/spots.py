"""One elliptic defect on an image: its outline, its place in the brain, its texture.

CONSULT Algorithm 1. Draws come in the order printed there, ``mu`` and ``sigma`` whether or not
they are used, so that two fills of one seed differ in texture only.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from medad.errors import MedadError
from medad.synthesis.bezier import curve, hull, random_points
from medad.synthesis.parameters import ConsultSynthesis

Mask = npt.NDArray[np.bool_]

_OUTLINES, _PLACES = 20, 50
_NOISE = 15  # cells a side of the noise, Algorithm 1 line 10


def add_spot(
    image: npt.NDArray[np.uint8],
    brain: Mask,
    parameters: ConsultSynthesis,
    rng: np.random.Generator,
) -> tuple[npt.NDArray[np.uint8], Mask]:
    """A copy of ``image``, uint8 (H, W[, C]), with one spot, and the label (H, W) of its pixels.

    The label is the part of the spot inside ``brain``, bool (H, W). Raises MedadError when the
    spot finds no place.
    """
    mu = float(rng.integers(0, 255, endpoint=True))
    sigma = rng.uniform(10, 20)
    label = place_spot(brain, parameters, rng)
    if parameters.fill == "literal":
        mu, sigma = 128.0, 128.0
    texture = noise_texture(label.shape, mu, sigma, rng)
    defective = image.copy()
    defective[label] = texture[label] if image.ndim == 2 else texture[label][:, None]
    return defective, label


def place_spot(brain: Mask, parameters: ConsultSynthesis, rng: np.random.Generator) -> Mask:
    """Label (H, W) of one spot: an outline filled at a place drawn uniformly from ``brain``.

    A place is drawn again when less than ``inside`` of the spot is in the brain; the part beyond
    the frame counts as outside. The outline is kept meanwhile, so big spots are not lost to small
    ones, and is drawn anew only after 50 places. Raises MedadError after 20 outlines.
    """
    places = np.flatnonzero(brain)
    height, width = brain.shape
    for _ in range(_OUTLINES if places.size else 0):
        size = rng.uniform(*parameters.scale) * min(height, width)
        spot, offset = _fill(random_outline(parameters, rng) * size)
        area = int(spot.sum())
        for centre in rng.choice(places, _PLACES):
            row, column = divmod(int(centre), width)
            label = np.zeros_like(brain)
            _paste(label, spot, row + offset[0], column + offset[1])
            label &= brain
            if label.sum() >= parameters.inside * area:
                return label
    raise MedadError(
        f"synthesis: no place for a spot of {parameters.scale} of the side with "
        f"{parameters.inside:g} of it inside a brain mask of {brain.mean():.1%} of the image; "
        "lower synthesis.consult.inside or synthesis.consult.scale"
    )


def random_outline(
    parameters: ConsultSynthesis, rng: np.random.Generator
) -> npt.NDArray[np.float64]:
    """A closed outline (n, 2) about the origin, as (x, y), its points drawn in a unit square."""
    outline = curve(random_points(parameters.points, rng), parameters.edgy, parameters.radius)
    return hull(outline) if parameters.shape == "hull" else outline


def noise_texture(
    shape: tuple[int, ...], mu: float, sigma: float, rng: np.random.Generator
) -> npt.NDArray[np.uint8]:
    """N(mu, sigma) on 15x15 cells, enlarged bilinearly to ``shape`` (H, W), clipped to 0..255."""
    noise = (mu + sigma * rng.standard_normal((_NOISE, _NOISE))).astype(np.float32)
    height, width = shape
    enlarged = cv2.resize(noise, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(np.clip(np.rint(enlarged), 0, 255), np.uint8)


def _fill(outline: npt.NDArray[np.float64]) -> tuple[Mask, tuple[int, int]]:
    """The filled outline on the smallest canvas, and the canvas' corner (row, column)."""
    corners = np.rint(outline).astype(np.int32)
    low = corners.min(axis=0)
    width, height = corners.max(axis=0) - low + 1
    canvas = np.zeros((height, width), np.uint8)
    cv2.fillPoly(canvas, [corners - low], 1)
    # A curve may cross itself, and fillPoly leaves what it encloses twice as a hole.
    outer, _ = cv2.findContours(canvas, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(canvas, outer, -1, 1, cv2.FILLED)
    return canvas.astype(bool), (int(low[1]), int(low[0]))


def _paste(label: Mask, spot: Mask, row: int, column: int) -> None:
    """Set ``label`` where the part of ``spot`` inside the frame is, its corner at row, column."""
    top, left = max(-row, 0), max(-column, 0)
    window = label[row + top : row + spot.shape[0], column + left : column + spot.shape[1]]
    window[...] = spot[top : top + window.shape[0], left : left + window.shape[1]]
