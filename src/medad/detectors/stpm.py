"""STPM: a student that learned a trunk's features of healthy images, layer by layer.

Wang et al., Student-Teacher Feature Pyramid Matching for Anomaly Detection, BMVC 2021.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from medad.backbones.resnet import Trunk
from medad.backbones.spec import Normalisation
from medad.detectors import require
from medad.detectors.adam import descend
from medad.detectors.epochs import Epochs
from medad.detectors.images import Images
from medad.detectors.keys import taken
from medad.detectors.maps import resize
from medad.detectors.network_state import collect, frozen, restore
from medad.detectors.scores import Scores
from medad.detectors.training import Training, run
from medad.detectors.trunks import (
    embedded,
    frozen_trunk,
    learning_trunk,
    of_backbone,
    pixels,
    untrained,
)

Reduction = Literal["mean", "sum"]


@dataclass(frozen=True)
class StpmParameters:
    """Keys of ``detectors.stpm``.

    ``layers``: of teacher and student that are compared. ``epochs``: passes over the K images, of
    which a step sees ``batch``. ``reduction``: of the losses of a step's images, ``mean``, or
    ``sum`` as in anomalib. ``learning_rate``, ``momentum``, ``weight_decay``: of SGD.
    """

    side: int
    backbone: str
    normalisation: Normalisation
    layers: tuple[int, ...]
    epochs: int
    batch: int
    reduction: Reduction
    learning_rate: float
    momentum: float
    weight_decay: float

    @classmethod
    def of(cls, params: Mapping[str, Any]) -> Self:
        """From a mapping that has these keys, and may have others."""
        given = {**params, **of_backbone(params["backbone"])}
        return cls(**taken(cls, given))

    def __post_init__(self) -> None:
        require.distinct_layers(self.layers)
        require.counts(self, "epochs", "batch")
        require.one_of(self, reduction=get_args(Reduction))
        require.above_zero(self, "learning_rate")
        require.zero_or_more(self, "momentum", "weight_decay")


class Stpm:
    """An image detector; see ``medad.detectors.images.ImageDetector`` for its methods."""

    def __init__(self, params: StpmParameters, device: str = "cpu") -> None:
        self.params = params
        self.device = device
        self.networks: dict[str, Trunk] | None = None
        self.history: dict[str, Tensor] = {}

    @classmethod
    def of(cls, params: Mapping[str, Any], device: str = "cpu") -> Self:
        """From a mapping with the keys of ``StpmParameters``."""
        return cls(StpmParameters.of(params), device)

    def fit(self, images: Images, training: Training) -> None:
        """Train a student of random weights; input ``weights`` is the teacher's trunk."""
        params = self.params
        seen = pixels(images, params.side, params.normalisation)
        depth = max(params.layers)
        teacher = frozen_trunk(training.inputs["weights"], params.backbone, depth, self.device)
        student = learning_trunk(params.backbone, depth, training).to(self.device)
        told = embedded(teacher, seen, params.layers, self.device)
        optimizer = torch.optim.SGD(
            student.parameters(),
            params.learning_rate,
            params.momentum,
            weight_decay=params.weight_decay,
        )
        epochs = Epochs(training, "student", len(seen), params.batch, params.epochs)

        def step(index: int) -> dict[str, float]:
            student.train()
            chosen = epochs.images(index)
            said = student(seen[chosen].to(self.device), params.layers)
            wanted = {layer: maps[chosen].to(self.device) for layer, maps in told.items()}
            losses = sum(distances(wanted[n], said[n]).mean((1, 2)) for n in params.layers)
            assert isinstance(losses, Tensor)
            loss = losses.mean() if params.reduction == "mean" else losses.sum()
            descend(optimizer, loss)
            return {"loss": loss.item()}

        modules = {"student": student}
        curves = run(training, "student", modules, {"student": optimizer}, step, epochs.steps)
        frozen(modules)
        self.networks = {"teacher": teacher, "student": student}
        self.history = {name: curve.cpu() for name, curve in curves.items()}

    @torch.no_grad()
    def score(self, images: Images) -> Scores:
        """Products over layers of half the squared distances of normalised features.

        Maps are on the grid of the finest layer, to which the others are enlarged; the image score
        is the maximum of the product of maps enlarged to ``side``, as in the paper.
        """
        scores, maps = [], []
        for image in pixels(images, self.params.side, self.params.normalisation):
            found = self._layer_maps(image)
            scores.append(float(_product(found, self.params.side).max()))
            finest = max(len(one) for one in found)
            maps.append(_product(found, finest).astype(np.float32))
        return Scores(np.array(scores, np.float64), np.stack(maps))

    @torch.no_grad()
    def pixel_map(self, image: Tensor) -> NDArray[np.float64]:
        """(side, side), of one normalised image (3, side, side)."""
        return _product(self._layer_maps(image), self.params.side)

    def _layer_maps(self, image: Tensor) -> list[NDArray[np.float64]]:
        """(h, w) of every layer."""
        if self.networks is None:
            raise RuntimeError("fit or load_state comes before score")
        one = image[None].to(self.device)
        told, said = (self.networks[name](one, self.params.layers) for name in _NETWORKS)
        return [distances(told[n], said[n])[0].double().cpu().numpy() for n in self.params.layers]

    def state(self) -> dict[str, Tensor]:
        """Weights under ``teacher/`` and ``student/``, and ``history/``."""
        if self.networks is None:
            raise RuntimeError("fit comes before state")
        return collect(self.networks, self.history)

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Restore ``state()``; MedadError when it is another detector's."""
        self.networks, self.history = restore(self._made, state, self.device, "STPM")

    def _made(self) -> dict[str, Trunk]:
        name, depth = self.params.backbone, max(self.params.layers)
        return {"teacher": untrained(name, depth), "student": untrained(name, depth, learns=True)}


_NETWORKS = ("teacher", "student")


def distances(told: Tensor, said: Tensor) -> Tensor:
    """(N, h, w): half the squared distance of features (N, C, h, w) of length 1, equation 1."""
    return 0.5 * (functional.normalize(told) - functional.normalize(said)).square().sum(1)


def _product(maps: list[NDArray[np.float64]], side: int) -> NDArray[np.float64]:
    """(side, side): maps of all layers, enlarged and multiplied."""
    total = np.ones((side, side))
    for one in maps:
        total *= resize(one, (side, side))
    return total
