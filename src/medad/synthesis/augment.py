"""Augmented healthy images, D^_G of CONSULT section 3.2: distortion, flip and tone.

All geometry is composed into one sampling map, so an image is interpolated once.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from medad.synthesis.parameters import ConsultSynthesis, Elastic, Grid, Tone

Image = npt.NDArray[np.uint8]
Field = npt.NDArray[np.float32]


def augment(image: Image, parameters: ConsultSynthesis, rng: np.random.Generator) -> Image:
    """One augmented copy of a healthy image.

    ``image``: uint8 (H, W) or (H, W, C). Elastic and grid distortion, flip and tone happen
    independently, each with its own probability; the shift is drawn whenever ``translate`` is
    positive. Pixels from beyond the frame are mirrored. Returns the same shape and type.
    """
    height, width = image.shape[:2]
    elastic = rng.random() < parameters.elastic.probability
    grid = rng.random() < parameters.grid.probability
    flip = rng.random() < parameters.flip
    tone = rng.random() < parameters.tone.probability

    x, y = _identity(height, width)
    if parameters.translate > 0:
        shift = rng.uniform(-parameters.translate, parameters.translate, 2).astype(np.float32)
        x, y = x + shift[0] * width, y + shift[1] * height
    if elastic:
        dx, dy = elastic_field(height, width, parameters.elastic, rng)
        x, y = x + dx, y + dy
    if grid:
        x = _through(grid_knots(width, parameters.grid, rng), x)
        y = _through(grid_knots(height, parameters.grid, rng), y)
    if elastic or grid or parameters.translate > 0:
        x, y = np.broadcast_to(x, (height, width)), np.broadcast_to(y, (height, width))
        image = _remap(image, x, y)
    if flip:
        image = np.ascontiguousarray(image[:, ::-1])
    return change_tone(image, parameters.tone, rng) if tone else image.copy()


def elastic_field(
    height: int, width: int, elastic: Elastic, rng: np.random.Generator
) -> tuple[Field, Field]:
    """Displacements (dx, dy) in pixels, each float32 (height, width).

    Uniform noise in [-1, 1] under a Gaussian of ``elastic.sigma``, times ``elastic.alpha``
    (Simard et al. 2003; albumentations' ElasticTransform).
    """
    noise = 2 * rng.random((height, width, 2), dtype=np.float32) - 1
    field = cv2.GaussianBlur(noise, (0, 0), elastic.sigma) * np.float32(elastic.alpha)
    return field[..., 0], field[..., 1]


def grid_knots(length: int, grid: Grid, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """Where the ``steps + 1`` grid lines of one axis are read from, in pixels.

    Cell widths are scaled by 1 + U(-limit, limit), then together so that the first and last line
    stay on the frame: nothing is invented at the border.
    """
    widths = 1 + rng.uniform(-grid.limit, grid.limit, grid.steps)
    lines = np.concatenate(([0.0], np.cumsum(widths)))
    return np.asarray(lines * ((length - 1) / lines[-1]))


def change_tone(image: Image, tone: Tone, rng: np.random.Generator) -> Image:
    """clip(image (1 + c) + 255 b), c ~ U(-contrast, contrast), b ~ U(-brightness, brightness)."""
    contrast = rng.uniform(-tone.contrast, tone.contrast)
    brightness = rng.uniform(-tone.brightness, tone.brightness)
    table = np.arange(256) * (1 + contrast) + 255 * brightness
    lookup = np.clip(np.rint(table), 0, 255).astype(np.uint8)
    return np.asarray(lookup[image])


def _identity(height: int, width: int) -> tuple[Field, Field]:
    """Coordinates (1, width) and (height, 1), broadcast where they must be."""
    x = np.arange(width, dtype=np.float32)[None, :]
    y = np.arange(height, dtype=np.float32)[:, None]
    return x, y


def _through(knots: npt.NDArray[np.float64], at: Field) -> Field:
    """The piecewise linear grid map at positions ``at``, continued with slope 1 beyond the frame.

    np.interp alone would stop at the frame and smear the border outwards.
    """
    length = knots[-1]
    inside = np.interp(at, np.linspace(0, length, len(knots)), knots)
    beyond = at - np.clip(at, 0, length)
    return np.asarray(inside + beyond, np.float32)


def _remap(image: Image, x: npt.NDArray[Any], y: npt.NDArray[Any]) -> Image:
    warped = cv2.remap(
        image,
        np.ascontiguousarray(x),
        np.ascontiguousarray(y),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REFLECT_101,
    )
    return np.asarray(warped, np.uint8)
