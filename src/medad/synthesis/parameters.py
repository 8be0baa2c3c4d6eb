"""Parameters of CONSULT's pair synthesis, named as in ``params.yaml`` ``synthesis.consult``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal

from medad.errors import MedadError

Shape = Literal["curve", "hull"]
Fill = Literal["literal", "mu_sigma"]
Base = Literal["any", "original"]


@dataclass(frozen=True)
class Elastic:
    """Elastic distortion: a random field in [-1, 1], smoothed, times ``alpha``.

    ``probability`` in [0, 1]; ``alpha`` >= 0 and ``sigma`` > 0 in pixels.
    """

    probability: float
    alpha: float
    sigma: float


@dataclass(frozen=True)
class Grid:
    """Grid distortion: ``steps`` cells a side, widths changed by up to the fraction ``limit``."""

    probability: float
    steps: int
    limit: float


@dataclass(frozen=True)
class Tone:
    """Contrast and brightness, each changed by up to its fraction (of 1 and of white)."""

    probability: float
    brightness: float
    contrast: float


@dataclass(frozen=True)
class ConsultSynthesis:
    """All choices of CONSULT section 3.2 and Algorithm 1.

    ``pairs``: healthy and anomalous images in the pool. ``flip``: probability of a horizontal
    flip. ``translate``: largest shift, a fraction of the side (only section 3.1 mentions it).
    ``points``: N_C. ``edgy``: E. ``radius``: length of the Bezier handles as a fraction of their
    segment. ``shape``: ``curve`` fills the curve (Algorithm 1), ``hull`` its convex hull (the
    text). ``scale``: least and largest size of a spot as a fraction of the side. ``inside``: least
    fraction of the spot in the brain. ``fill``: ``literal`` N(128, 128) or ``mu_sigma``, the
    values that Algorithm 1 draws and leaves unused. ``base``: a spot is put on ``any`` image of
    D_G, or only on an ``original``.

    Raises MedadError for a value out of its range.
    """

    pairs: int
    elastic: Elastic
    grid: Grid
    flip: float
    tone: Tone
    translate: float
    points: int
    edgy: float
    radius: float
    shape: Shape
    scale: tuple[float, float]
    inside: float
    fill: Fill
    base: Base

    def __post_init__(self) -> None:
        for name, probability in (
            ("elastic.probability", self.elastic.probability),
            ("grid.probability", self.grid.probability),
            ("tone.probability", self.tone.probability),
            ("flip", self.flip),
        ):
            _check(name, probability, 0 <= probability <= 1, "a probability in [0, 1]")
        _check("pairs", self.pairs, self.pairs >= 1, "1 or more")
        _check("elastic.alpha", self.elastic.alpha, self.elastic.alpha >= 0, "0 or more pixels")
        _check("elastic.sigma", self.elastic.sigma, self.elastic.sigma > 0, "more than 0 pixels")
        _check("grid.steps", self.grid.steps, self.grid.steps >= 1, "1 or more")
        _check("grid.limit", self.grid.limit, 0 <= self.grid.limit < 1, "in [0, 1)")
        for name, amount in (
            ("brightness", self.tone.brightness),
            ("contrast", self.tone.contrast),
        ):
            _check(f"tone.{name}", amount, 0 <= amount <= 1, "in [0, 1]")
        _check("translate", self.translate, 0 <= self.translate <= 0.5, "in [0, 0.5]")
        _check("points", self.points, self.points >= 3, "3 or more")
        _check("edgy", self.edgy, self.edgy >= 0, "0 or more")
        _check("radius", self.radius, self.radius >= 0, "0 or more")
        low, high = self.scale
        _check("scale", self.scale, 0 < low <= high <= 1, "[least, largest] in (0, 1]")
        _check("inside", self.inside, 0 < self.inside <= 1, "in (0, 1]")
        _check("shape", self.shape, self.shape in ("curve", "hull"), "curve or hull")
        _check("fill", self.fill, self.fill in ("literal", "mu_sigma"), "literal or mu_sigma")
        _check("base", self.base, self.base in ("any", "original"), "any or original")

    @classmethod
    def of(cls, params: Mapping[str, Any]) -> ConsultSynthesis:
        """From plain parameters; keys of other parts of a step, such as ``seed``, are left alone.

        Raises MedadError naming the keys that are missing.
        """
        missing = [field.name for field in fields(cls) if field.name not in params]
        if missing:
            raise MedadError(f"synthesis.consult: missing {', '.join(missing)}; add them")
        values = {field.name: params[field.name] for field in fields(cls)}
        low, high = values["scale"]
        nested = {
            "elastic": Elastic(**values["elastic"]),
            "grid": Grid(**values["grid"]),
            "tone": Tone(**values["tone"]),
            "scale": (float(low), float(high)),
        }
        return cls(**{**values, **nested})


def _check(name: str, got: object, valid: bool, allowed: str) -> None:
    if not valid:
        raise MedadError(f"synthesis.consult.{name}: got {got!r}, allowed: {allowed}")
