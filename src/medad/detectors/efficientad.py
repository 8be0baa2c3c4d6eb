"""EfficientAD: where a student differs from its teacher, and from an auto-encoder.

Batzner et al., EfficientAD: Accurate Visual Anomaly Detection at Millisecond-Level Latencies, WACV
2024, and the authors' code.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from medad.detectors.alterations import normalised
from medad.detectors.distillation import statistics
from medad.detectors.efficientad_parameters import EfficientADParameters
from medad.detectors.images import Images
from medad.detectors.natural import NaturalImages
from medad.detectors.network_state import collect, restore
from medad.detectors.pdn import BORDER, AutoEncoder, PatchDescription
from medad.detectors.pixels import to_unit
from medad.detectors.scores import Scores
from medad.detectors.student import Networks, train
from medad.detectors.teacher import teacher_of
from medad.detectors.training import Training
from medad.errors import MedadError

_NETWORKS = ("teacher", "student", "autoencoder")
_LEAST = 1e-6  # between two quantiles: constant maps are finite scores


class EfficientAD:
    """An image detector; see ``medad.detectors.images.ImageDetector`` for its methods."""

    def __init__(self, params: EfficientADParameters, device: str = "cpu") -> None:
        self.params = params
        self.device = device
        self.networks: Networks | None = None
        self.quantiles = torch.zeros(2, 2)
        self.history: dict[str, Tensor] = {}

    @classmethod
    def of(cls, params: Mapping[str, Any], device: str = "cpu") -> Self:
        """From a mapping with the keys of ``EfficientADParameters``."""
        return cls(EfficientADParameters.of(params), device)

    def fit(self, images: Images, training: Training) -> None:
        """Get a teacher, train student and auto-encoder, and find the quantiles of the maps."""
        params = self.params
        shots = self._pixels(images)
        trained, held = self._divided(shots, training)
        natural = None
        if params.natural:
            assert params.natural_sha256 is not None
            natural = NaturalImages.of(training.inputs["natural"], params.natural_sha256)
        teacher, curves = teacher_of(params, trained, natural, training)
        with training.seeded("networks"):
            student, autoencoder = self._untrained()
        with torch.no_grad():
            mean, deviation = statistics(teacher(normalised(shot[None])) for shot in trained)
        networks = Networks(
            teacher, student.to(self.device), autoencoder.to(self.device), mean, deviation
        )

        def foreign() -> Tensor:
            assert natural is not None
            return natural.foreign(params.side).to(self.device)

        penalised = foreign if params.penalty == "images" else None
        history = {**curves, **train(params, networks, trained, penalised, training)}
        self.networks = networks
        self.history = {name: curve.cpu() for name, curve in history.items()}
        self.quantiles = self._quantiles(held)

    def score(self, images: Images) -> Scores:
        """Maps on the teacher's grid, padded to ``side`` / 4; 0 is usual, .1 rare among the shots.

        The image score is the maximum of the map enlarged to ``side``.
        """
        maps = [self._map(image) for image in self._pixels(images)]
        side = self.params.side
        scores = [_enlarged(anomalies[None, None], side).max().item() for anomalies in maps]
        stacked = np.stack([anomalies.cpu().numpy() for anomalies in maps])
        return Scores(np.array(scores, np.float64), stacked)

    def state(self) -> dict[str, Tensor]:
        """Weights under ``teacher/``, ``student/`` and ``autoencoder/``; what normalises.

        ``mean`` and ``deviation`` (C, 1, 1) of the teacher's channels; ``quantiles`` (2, 2), of
        the map of student and teacher, then of student and auto-encoder. All are float32.
        """
        if self.networks is None:
            raise RuntimeError("fit comes before state")
        networks = self.networks
        modules = {name: getattr(networks, name) for name in _NETWORKS}
        found = {"mean": networks.mean, "deviation": networks.deviation}
        return {**collect(modules, self.history), **found, "quantiles": self.quantiles}

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Restore ``state()``; MedadError when it is another detector's."""
        per_channel = torch.Size([self.params.channels, 1, 1])
        wanted = {"mean": per_channel, "deviation": per_channel, "quantiles": torch.Size([2, 2])}
        found = {name: state[name] for name in wanted if name in state}
        if {name: tensor.shape for name, tensor in found.items()} != wanted:
            raise MedadError(
                f"not the state of this EfficientAD (needs {', '.join(wanted)} of its channels); "
                "delete the head to fit it again"
            )
        rest = {name: tensor for name, tensor in state.items() if name not in wanted}
        modules, self.history = restore(self._made, rest, self.device, "EfficientAD")
        teacher, student, autoencoder = (modules[name] for name in _NETWORKS)
        assert isinstance(teacher, PatchDescription)
        assert isinstance(student, PatchDescription)
        assert isinstance(autoencoder, AutoEncoder)
        mean, deviation = (found[name].to(self.device) for name in ("mean", "deviation"))
        self.networks = Networks(teacher, student, autoencoder, mean, deviation)
        self.quantiles = found["quantiles"].cpu()

    def _made(self) -> dict[str, nn.Module]:
        params = self.params
        teacher = PatchDescription(params.size, params.channels, params.width)
        return dict(zip(_NETWORKS, (teacher, *self._untrained()), strict=True))

    def _untrained(self) -> tuple[PatchDescription, AutoEncoder]:
        params = self.params
        student = PatchDescription(params.size, 2 * params.channels, params.width)
        return student, AutoEncoder(params.side, params.channels)

    def _pixels(self, images: Images) -> Tensor:
        return to_unit(images, self.params.side, self.device)

    def _divided(self, shots: Tensor, training: Training) -> tuple[Tensor, Tensor]:
        """Images to train on, and images whose maps have the quantiles."""
        if self.params.quantiles == "shots":
            return shots, shots
        count = int(0.9 * len(shots))
        if count == 0:
            raise MedadError(
                f"quantiles: held_out leaves none of {len(shots)} images to train on; use more "
                "shots, or set quantiles to shots"
            )
        with training.seeded("held out"):
            order = torch.randperm(len(shots)).to(shots.device)
        return shots[order[:count]], shots[order[count:]]

    @torch.no_grad()
    def _raw(self, image: Tensor) -> Tensor:
        """(2, h, w): errors of the student against the teacher and against the auto-encoder."""
        if self.networks is None:
            raise RuntimeError("fit or load_state comes before score")
        networks = self.networks
        seen = normalised(image[None])
        first, second = networks.student(seen).split(self.params.channels, 1)
        against = (networks.told(image[None]) - first, networks.autoencoder(seen) - second)
        maps = torch.cat([errors.square().mean(1) for errors in against])
        return _padded(maps) if self.params.border == "before" else maps

    def _map(self, image: Tensor) -> Tensor:
        """(h, w): half of each map, its low quantile brought to 0 and its high one to .1."""
        low, high = self.quantiles.to(self.device)[:, :, None, None].unbind(1)
        maps = 0.1 * (self._raw(image) - low) / (high - low).clamp(min=_LEAST)
        combined = maps.mean(0)
        return combined if self.params.border == "before" else _padded(combined)

    def _quantiles(self, shots: Tensor) -> Tensor:
        """(2, 2): low and high quantile of both maps, over the positions of all images."""
        maps = torch.stack([self._raw(image) for image in shots], 1)
        if self.params.border == "before":
            maps = _enlarged(maps, self.params.side)
        # numpy has no limit to the number of values.
        values = maps.flatten(1).cpu().double().numpy()
        found = np.quantile(values, [self.params.low, self.params.high], axis=1)
        return torch.from_numpy(found.T.astype(np.float32))


def _padded(maps: Tensor) -> Tensor:
    return functional.pad(maps, (BORDER,) * 4)


def _enlarged(maps: Tensor, side: int) -> Tensor:
    return functional.interpolate(maps, (side, side), mode="bilinear", align_corners=False)
