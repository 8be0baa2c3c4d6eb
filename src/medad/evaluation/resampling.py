"""Bootstrap resamples of leakage groups and of draws, as whole-number weights."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medad.errors import MedadError
from medad.evaluation.scores import Scores


@dataclass(frozen=True)
class Population:
    """Test images of all runs together and the units in which they are resampled.

    A unit is a leakage group within a class, so that both classes keep their number of units in
    every resample. ``unit``: path to its position in ``anomalous`` (U,).
    """

    unit: Mapping[str, int]
    anomalous: NDArray[np.bool_]

    @property
    def healthy_units(self) -> int:
        """Number of leakage groups among the healthy images."""
        return int((~self.anomalous).sum())

    @property
    def anomalous_units(self) -> int:
        """Number of leakage groups among the anomalous images."""
        return int(self.anomalous.sum())


def population(tests: Iterable[Scores]) -> Population:
    """Union of the test images of several runs, aligned by path.

    Draws may score different images (under the ``paper`` split a draw leaves out its own shots).
    Raises MedadError when two runs disagree on the label or the leakage group of an image.
    """
    known: dict[str, tuple[int, int]] = {}
    for scores in tests:
        for path, label, group in zip(
            scores.path.tolist(), scores.label.tolist(), scores.group.tolist(), strict=True
        ):
            if known.setdefault(path, (label, group)) != (label, group):
                raise MedadError(
                    f"{path}: (label, group) is {(label, group)} in one run and {known[path]} in "
                    "another; score all runs from the same split"
                )
    units = sorted(set(known.values()))
    position = {unit: row for row, unit in enumerate(units)}
    return Population(
        unit={path: position[unit] for path, unit in known.items()},
        anomalous=np.array([label == 1 for label, _ in units], np.bool_),
    )


def resample_units(
    people: Population, resamples: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """How often every unit is drawn, (U, B) whole numbers: with replacement, within class."""
    counts = np.zeros((len(people.anomalous), resamples))
    for chosen in (~people.anomalous, people.anomalous):
        counts[chosen] = resample(int(chosen.sum()), resamples, rng)
    return counts


def resample(size: int, resamples: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """How often each of ``size`` items is drawn in ``size`` draws, (size, B) whole numbers."""
    if not size:
        return np.zeros((0, resamples))
    return rng.multinomial(size, np.full(size, 1.0 / size), size=resamples).T.astype(np.float64)
