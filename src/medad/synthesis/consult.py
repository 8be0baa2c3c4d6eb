"""CONSULT's synthesis as a step's parameters name it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from medad.synthesis.material import Material
from medad.synthesis.pairs import PairSet, build_pairs
from medad.synthesis.parameters import ConsultSynthesis


def build(
    material: Material,
    params: Mapping[str, Any],
    rng: np.random.Generator,
    report: Callable[[int, int], None],
) -> PairSet:
    """``medad.synthesis.pairs.build_pairs`` from the shots alone."""
    return build_pairs(material.shots, ConsultSynthesis.of(params), rng, report)
