"""Epochs of a few images: how many steps they are, and which images a step sees."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from medad.detectors.training import Training


@dataclass(frozen=True)
class Epochs:
    """``number`` passes over ``count`` images, ``batch`` of them a step, the last perhaps fewer.

    Every pass has its own order, drawn from the seed of ``training`` by ``name``; so a step's
    images depend on its index alone.
    """

    training: Training
    name: str
    count: int
    batch: int
    number: int

    @property
    def steps(self) -> int:
        """Steps of all passes."""
        return self.number * self.each

    @property
    def each(self) -> int:
        """Steps of a pass."""
        return math.ceil(self.count / self.batch)

    def images(self, step: int) -> Tensor:
        """Numbers of the images that a step sees, int64."""
        epoch, place = divmod(step, self.each)
        with self.training.seeded(f"{self.name} order", epoch):
            order = torch.randperm(self.count)
        return order[place * self.batch : (place + 1) * self.batch]
