"""Soft tumours with exact masks, for the phantom."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter, map_coordinates

from medad.data.anatomy import Anatomy, Field, coordinates, edge, smooth_noise

AREA = (0.005, 0.10)  # least and largest share of the image's pixels


def draw_lesion(
    generator: np.random.Generator, anatomy: Anatomy
) -> tuple[Field, npt.NDArray[np.uint8]]:
    """Signal with a tumour (side, side), and its mask uint8, 1 inside.

    The tumour lies in the brain; the mask is where it is more than half there, 0.5 to 10 % of the
    image, without the oedema around it. Outline, contrast, rim, oedema and mass effect vary.
    """
    side = anatomy.signal.shape[0]
    share = float(np.exp(generator.uniform(np.log(0.010), np.log(0.08))))
    while True:  # ends: the shape shrinks until it fits the brain
        body = _shape(generator, anatomy, share)
        mask = body * anatomy.brain > 0.5
        if AREA[0] <= mask.mean() <= AREA[1] and (body > 0.5).sum() <= 1.15 * mask.sum():
            break
        share = max(0.97 * share, 0.007)
    body = body * anatomy.brain
    signal = _push_aside(anatomy.signal, body, generator.uniform(0.0, 0.4))
    around = float(signal[mask].mean())
    if generator.uniform() < 0.4:  # oedema: wide, faint, irregular
        halo = gaussian_filter(body, generator.uniform(0.03, 0.06) * side)
        halo = np.clip(halo * (1.3 + 0.5 * smooth_noise(generator, side, 0.05)), 0.0, 1.0)
        sign = generator.choice([-1.0, 1.0], p=[0.3, 0.7])
        signal = signal + halo * anatomy.brain * sign * generator.uniform(0.04, 0.16)
    contrast = generator.uniform(0.12, 0.50) * _direction(generator, around)
    inner = around + contrast + 0.05 * smooth_noise(generator, side, 0.02)
    opacity = generator.uniform(0.7, 1.0)
    signal = signal + opacity * body * (inner - signal)
    if generator.uniform() < 0.4:  # enhancing rim
        rim = np.clip(1.0 - abs(body - 0.6) / 0.35, 0.0, 1.0)
        signal = signal + rim * generator.uniform(0.1, 0.35)
    return signal, mask.astype(np.uint8)


def _direction(generator: np.random.Generator, around: float) -> float:
    """Brighter more often than darker, and never beyond what can be seen."""
    if around > 0.65:
        return -1.0
    return 1.0 if around < 0.3 else float(generator.choice([-1.0, 1.0], p=[0.25, 0.75]))


def _shape(generator: np.random.Generator, anatomy: Anatomy, share: float) -> Field:
    """Soft irregular blob 0..1 of about ``share`` of the image, centred inside the brain."""
    side = anatomy.signal.shape[0]
    u, v = coordinates(side)
    inside = np.flatnonzero(anatomy.depth > 0.15)
    centre = int(inside[generator.integers(len(inside))])
    du, dv = u - u.flat[centre], v - v.flat[centre]
    angle = np.arctan2(dv, du) + generator.uniform(0, 2 * np.pi)
    stretch = generator.uniform(0.7, 1.0)
    outline = np.ones_like(u)
    for k in range(2, 7):
        outline += generator.normal(0.0, 0.22 / k) * np.cos(k * angle)
    outline += 0.12 * smooth_noise(generator, side, 0.03)
    size = 2.0 * np.sqrt(share / np.pi)
    distance = np.hypot(du * stretch, dv / stretch) - size * np.clip(outline, 0.4, 1.8)
    return edge(distance, generator.uniform(0.04, 0.5) * size + 2.0 / side)


def _push_aside(signal: Field, body: Field, strength: float) -> Field:
    """Mass effect: tissue around the body is moved away from it.

    The shift follows the slope of the blurred body; at strength .4 its largest is 3 to 5 % of the
    side.
    """
    side = signal.shape[0]
    slope_y, slope_x = np.gradient(gaussian_filter(body, 0.06 * side), 1.0 / side)
    gain = 0.02 * strength * side
    rows, columns = np.indices(signal.shape).astype(np.float64)
    where = [rows + gain * slope_y, columns + gain * slope_x]
    return np.asarray(map_coordinates(signal, where, order=1, mode="nearest"))
