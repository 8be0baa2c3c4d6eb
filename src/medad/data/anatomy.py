"""A made-up axial slice of a head: soft tissue maps, with what varies between healthy people.

It is no simulation. It is there so that the whole pipeline runs without anyone's images, and so
that telling lesions from healthy variation is hard: contrasts, folding, ventricles, white matter
spots, cysts, vessels and calcifications differ from image to image.

Coordinates: u to the right and v to the back (down), both -1..1 over the image; depth is 0 at the
surface of the brain and 1 in its centre.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter

Field = npt.NDArray[np.float64]

# signal of air, scalp, skull, CSF, grey matter, white matter, deep nuclei, blood
_CONTRASTS = {
    "t1": (0.02, 0.60, 0.10, 0.14, 0.41, 0.55, 0.47, 0.18),
    "t1c": (0.02, 0.55, 0.10, 0.12, 0.40, 0.50, 0.45, 0.80),
    "t2": (0.02, 0.42, 0.08, 0.80, 0.55, 0.36, 0.42, 0.08),
    "flair": (0.02, 0.42, 0.08, 0.10, 0.50, 0.38, 0.45, 0.14),
}
COMMON = {"t1": 0.15, "t1c": 0.10, "t2": 0.40, "flair": 0.35}  # how often each contrast occurs


@dataclass(frozen=True)
class Anatomy:
    """``signal``: noise-free (side, side), about 0..1. ``brain``: soft membership 0..1.
    ``depth``: 0 at the brain's surface, 1 in its centre, negative outside.
    """

    signal: Field
    brain: Field
    depth: Field


def smooth_noise(generator: np.random.Generator, side: int, scale: float) -> Field:
    """Gaussian field (side, side) of mean 0 and sd 1; ``scale``: its sigma over the side."""
    field = gaussian_filter(generator.standard_normal((side, side)), scale * side, mode="wrap")
    return np.asarray((field - field.mean()) / field.std())


def coordinates(side: int) -> tuple[Field, Field]:
    """u and v of the pixel centres, each (side, side)."""
    axis = (np.arange(side) + 0.5) * (2.0 / side) - 1.0
    u, v = np.meshgrid(axis, axis)
    return u, v


def blob(
    u: Field, v: Field, centre: tuple[float, float], radii: tuple[float, float], tilt: float = 0.0
) -> Field:
    """Soft ellipse 0..1, half at its outline; ``tilt`` in radians."""
    du, dv = u - centre[0], v - centre[1]
    along, across = (
        du * np.cos(tilt) + dv * np.sin(tilt),
        dv * np.cos(tilt) - du * np.sin(tilt),
    )
    distance = (np.hypot(along / radii[0], across / radii[1]) - 1.0) * min(radii)
    return edge(distance, 0.02)


def edge(distance: Field, width: float) -> Field:
    """1 well inside (negative distance), 0 well outside, linear over ``width``."""
    return np.asarray(np.clip(0.5 - distance / width, 0.0, 1.0))


def draw_anatomy(
    generator: np.random.Generator, side: int, contrasts: Mapping[str, float] = COMMON
) -> Anatomy:
    """One healthy slice of ``side`` pixels; ``contrasts``: how often each occurs, sums to 1."""
    uniform = generator.uniform
    often = [contrasts.get(name, 0.0) for name in _CONTRASTS]
    tissues = _CONTRASTS[str(generator.choice(list(_CONTRASTS), p=often))]
    spread = generator.normal(1.0, 0.04, len(tissues))
    air, scalp, skull, csf, grey, white, deep, blood = np.clip(np.multiply(tissues, spread), 0, 1)
    u, v = coordinates(side)
    turn = np.deg2rad(generator.normal(0.0, 7.0))
    u, v = u - uniform(-0.05, 0.05), v - uniform(-0.05, 0.05)
    u, v = u * np.cos(turn) + v * np.sin(turn), v * np.cos(turn) - u * np.sin(turn)
    # to the brain's own units, where its surface is about the unit circle
    half = uniform(0.58, 0.66)
    u, v = u / half, v / (half * uniform(1.12, 1.32))
    u = u * (1.0 - uniform(0.0, 0.12) * v)  # narrower at the front
    angle = np.arctan2(v, u)
    outline = 1.0 + sum(
        generator.normal(0.0, 0.02 / k) * np.cos(k * angle + uniform(0, 2 * np.pi))
        for k in range(2, 6)
    )
    radius = np.hypot(u, v) / outline
    depth = 1.0 - radius
    shift = 0.05 * smooth_noise(generator, side, 0.09)  # bends all that is inside
    x, y = u + shift, v + 0.05 * smooth_noise(generator, side, 0.09)

    bone, skin = uniform(0.05, 0.08), uniform(0.04, 0.09)
    gap = uniform(0.01, 0.05)  # CSF around the brain
    signal = np.full((side, side), air)
    skin_texture = 1.0 + 0.08 * smooth_noise(generator, side, 0.05)
    for layer, value in (
        (edge(radius - (1.0 + gap + bone + skin), 0.04), scalp * skin_texture),
        (edge(radius - (1.0 + gap + bone), 0.03), skull),
        (edge(radius - (1.0 + gap), 0.03), csf),
    ):
        signal += layer * (value - signal)
    brain = edge(radius - 1.0, 0.03)

    # grey ribbon on the surface and along sulci, the zero lines of a smooth field
    folding = smooth_noise(generator, side, uniform(0.020, 0.028))
    reach = uniform(0.28, 0.42) + 0.05 * smooth_noise(generator, side, 0.06)
    outer = np.clip((reach - depth) / 0.10, 0.0, 1.0)
    ribbon = np.maximum(
        edge(depth - uniform(0.06, 0.10), 0.05), outer * edge(abs(folding) - 0.55, 0.5)
    )
    sulci = outer * edge(abs(folding) - uniform(0.05, 0.22), 0.25)
    texture = 1.0 + 0.04 * smooth_noise(generator, side, 0.03)
    tissue = white * texture + ribbon * (grey - white)
    for centre, radii, tilt in (
        ((0.30, 0.02), (0.10, 0.22), 0.25),  # putamen
        ((0.15, -0.20), (0.06, 0.13), -0.3),  # caudate
        ((0.13, 0.16), (0.10, 0.15), 0.3),  # thalamus
    ):
        strength = uniform(0.5, 1.0)
        for mirror in (-1.0, 1.0):
            nucleus = blob(
                x, y, (mirror * centre[0], centre[1]), radii, -mirror * tilt * uniform(0.7, 1.3)
            )
            tissue += strength * gaussian_filter(nucleus, 0.008 * side) * (deep - tissue)
    tissue += sulci * (csf - tissue)
    fissure = edge(abs(x) - uniform(0.006, 0.022), 0.02) * np.clip((abs(y) - 0.42) / 0.12, 0, 1)
    tissue += fissure * (csf - tissue)
    tissue += _ventricles(generator, x, y) * (csf - tissue)
    signal += brain * (tissue - signal)
    _variants(generator, signal, brain * (depth > 0.05), (x, y), csf, (white, grey, blood))
    return Anatomy(signal, brain, depth)


def _ventricles(generator: np.random.Generator, x: Field, y: Field) -> Field:
    """Lateral ventricles and the third; their size and symmetry vary widely, level included."""
    uniform = generator.uniform
    size = float(np.clip(generator.lognormal(0.0, 0.35), 0.4, 2.0))
    parts = [blob(x, y, (0.0, uniform(0.0, 0.1)), (0.012 * size, uniform(0.04, 0.12)))]
    horns = uniform() < 0.75
    for mirror in (-1.0, 1.0):
        own = size * float(generator.lognormal(0.0, 0.12))
        front = (mirror * uniform(0.07, 0.11), uniform(-0.30, -0.22))
        parts.append(blob(x, y, front, (0.045 * own, 0.15), -mirror * uniform(0.2, 0.5)))
        if horns:
            back = (mirror * uniform(0.19, 0.27), uniform(0.30, 0.40))
            parts.append(blob(x, y, back, (0.05 * own, 0.17), mirror * uniform(0.3, 0.6)))
    return np.asarray(np.maximum.reduce(parts))


def _variants(
    generator: np.random.Generator,
    signal: Field,
    inside: Field,
    place: tuple[Field, Field],
    csf: float,
    tissue: tuple[float, float, float],
) -> None:
    """Benign findings, drawn into ``signal``: spots, cysts, plexus, pineal, vessels."""
    uniform = generator.uniform
    x, y = place
    white, grey, blood = tissue
    spot = csf if csf > white else white + uniform(-0.3, 0.35)
    for _ in range(generator.poisson(2.0)):  # white matter spots and perivascular spaces
        centre = (uniform(-0.6, 0.6), uniform(-0.6, 0.6))
        radii = (uniform(0.02, 0.07), uniform(0.02, 0.05))
        mark = blob(x, y, centre, radii, uniform(0, np.pi)) * inside
        signal += uniform(0.3, 1.0) * mark * (spot - signal)
    if uniform() < 0.15:  # arachnoid cyst, wide sulcus or cisterna at the surface
        turn = uniform(0, 2 * np.pi)
        centre = (0.85 * np.cos(turn), 0.85 * np.sin(turn))
        mark = blob(x, y, centre, (uniform(0.06, 0.22), uniform(0.05, 0.13)), turn + np.pi / 2)
        signal += mark * (inside > 0) * (csf - signal)
    if uniform() < 0.5:  # choroid plexus
        for mirror in (-1.0, 1.0):
            mark = blob(x, y, (mirror * uniform(0.18, 0.26), uniform(0.25, 0.4)), (0.035, 0.06))
            signal += uniform(0.3, 0.9) * mark * (grey + 0.3 - signal)
    if uniform() < 0.4:  # pineal gland, calcified or not
        mark = blob(x, y, (0.0, uniform(0.2, 0.28)), (uniform(0.02, 0.05), uniform(0.02, 0.05)))
        signal += mark * (float(generator.choice([0.05, 0.85])) - signal)
    for _ in range(generator.poisson(5)):  # vessels in the sulci
        turn, far = uniform(0, 2 * np.pi), uniform(0.75, 0.98)
        mark = blob(
            x, y, (far * np.cos(turn), far * np.sin(turn)), (0.022, uniform(0.015, 0.06)), turn
        )
        signal += mark * (blood - signal)
    sinus = blob(x, y, (0.0, 0.98), (uniform(0.03, 0.07), 0.05))
    signal += sinus * (blood - signal)
