"""RDAD: a decoder that restores a trunk's features of healthy images from a narrow embedding.

Deng and Li, Anomaly Detection via Reverse Distillation from One-Class Embedding, CVPR 2022, and
the authors' code.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from medad.backbones.spec import Normalisation
from medad.detectors import require
from medad.detectors.adam import descend
from medad.detectors.epochs import Epochs
from medad.detectors.images import Images
from medad.detectors.keys import taken
from medad.detectors.maps import smooth
from medad.detectors.network_state import collect, frozen, restore
from medad.detectors.rdad_networks import LAYERS, Bottleneck, Decoder, drawn
from medad.detectors.scores import Scores
from medad.detectors.training import Training, run
from medad.detectors.trunks import embedded, frozen_trunk, of_backbone, pixels, untrained
from medad.errors import MedadError

Cosine = Literal["images", "positions"]


@dataclass(frozen=True)
class RdadParameters:
    """Keys of ``detectors.rdad``.

    ``side``: a multiple of 32, since grids are halved and doubled. ``epochs``: passes over the K
    images, of which a step sees ``batch``. ``cosine``: of the loss, of whole flattened maps
    (``images``, the code), or of the features at every position (``positions``, equation 2).
    ``learning_rate``, ``beta1``, ``beta2``: of Adam. ``smooth``: sigma, in pixels, of the Gaussian
    on the enlarged map whose maximum is the image score; of scoring alone.
    """

    side: int
    backbone: str
    normalisation: Normalisation
    epochs: int
    batch: int
    cosine: Cosine
    learning_rate: float
    beta1: float
    beta2: float
    smooth: float = 4.0

    @classmethod
    def of(cls, params: Mapping[str, Any]) -> Self:
        """From a mapping that has these keys, and may have others."""
        given = {**params, **of_backbone(params["backbone"])}
        return cls(**taken(cls, given))

    def __post_init__(self) -> None:
        if self.side % 32:
            raise MedadError(
                f"image.side: got {self.side}, allowed for rdad: multiples of 32; change it, or "
                "use another method"
            )
        require.counts(self, "epochs", "batch")
        require.one_of(self, cosine=get_args(Cosine))
        require.above_zero(self, "learning_rate")
        require.below_one(self, "beta1", "beta2")
        require.zero_or_more(self, "smooth")


class Rdad:
    """An image detector; see ``medad.detectors.images.ImageDetector`` for its methods."""

    def __init__(self, params: RdadParameters, device: str = "cpu") -> None:
        self.params = params
        self.device = device
        self.networks: dict[str, nn.Module] | None = None
        self.history: dict[str, Tensor] = {}

    @classmethod
    def of(cls, params: Mapping[str, Any], device: str = "cpu") -> Self:
        """From a mapping with the keys of ``RdadParameters``."""
        return cls(RdadParameters.of(params), device)

    def fit(self, images: Images, training: Training) -> None:
        """Train bottleneck and decoder; input ``weights`` is the trunk whose features they see."""
        params = self.params
        seen = pixels(images, params.side, params.normalisation)
        weights = training.inputs["weights"]
        teacher = frozen_trunk(weights, params.backbone, max(LAYERS), self.device)
        told = embedded(teacher, seen, LAYERS, self.device)
        modules = drawn(params.backbone, training)
        for module in modules.values():
            module.to(self.device)
        optimizer = torch.optim.Adam(
            [weight for module in modules.values() for weight in module.parameters()],
            params.learning_rate,
            (params.beta1, params.beta2),
        )
        epochs = Epochs(training, "decoder", len(seen), params.batch, params.epochs)

        def step(index: int) -> dict[str, float]:
            chosen = epochs.images(index)
            wanted = {layer: maps[chosen].to(self.device) for layer, maps in told.items()}
            for module in modules.values():
                module.train()
            said = modules["decoder"](modules["bottleneck"](wanted))
            losses = [unlike(wanted[n], said[n], params.cosine).mean() for n in LAYERS]
            loss = torch.stack(losses).sum()
            descend(optimizer, loss)
            return {"loss": loss.item()}

        curves = run(training, "decoder", modules, {"decoder": optimizer}, step, epochs.steps)
        frozen(modules)
        self.networks = {"teacher": teacher, **modules}
        self.history = {name: curve.cpu() for name, curve in curves.items()}

    @torch.no_grad()
    def score(self, images: Images) -> Scores:
        """Sums over layers of one less the cosine between a position's features and their copies.

        Maps are on the grid of layer 1; the image score is the maximum of the map of ``side``
        pixels, smoothed.
        """
        scores, maps = [], []
        for image in pixels(images, self.params.side, self.params.normalisation):
            found = self._layer_maps(image)
            scores.append(float(self._pixel_map(found).max()))
            maps.append(_summed(found, found[0].shape[-1]))
        return Scores(np.array(scores, np.float64), np.stack(maps))

    @torch.no_grad()
    def pixel_map(self, image: Tensor) -> NDArray[np.float32]:
        """(side, side), smoothed, of one normalised image (3, side, side)."""
        return self._pixel_map(self._layer_maps(image))

    def _pixel_map(self, maps: list[Tensor]) -> NDArray[np.float32]:
        return smooth(_summed(maps, self.params.side), self.params.smooth)

    def _layer_maps(self, image: Tensor) -> list[Tensor]:
        """(h, w) of every layer."""
        if self.networks is None:
            raise RuntimeError("fit or load_state comes before score")
        teacher, bottleneck, decoder = (self.networks[name] for name in _NETWORKS)
        told = teacher(image[None].to(self.device), LAYERS)
        said = decoder(bottleneck(told))
        return [unlike(told[n], said[n], "positions")[0] for n in LAYERS]

    def state(self) -> dict[str, Tensor]:
        """Weights under ``teacher/``, ``bottleneck/`` and ``decoder/``, and ``history/``."""
        if self.networks is None:
            raise RuntimeError("fit comes before state")
        return collect(self.networks, self.history)

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Restore ``state()``; MedadError when it is another detector's."""
        self.networks, self.history = restore(self._made, state, self.device, "RDAD")

    def _made(self) -> dict[str, nn.Module]:
        name = self.params.backbone
        made = (untrained(name, max(LAYERS)), Bottleneck(name), Decoder(name))
        return dict(zip(_NETWORKS, made, strict=True))


_NETWORKS = ("teacher", "bottleneck", "decoder")


def unlike(told: Tensor, said: Tensor, cosine: Cosine) -> Tensor:
    """1 less the cosine: (N,) of whole maps (N, C, h, w), or (N, h, w) of their positions."""
    if cosine == "positions":
        return 1 - functional.cosine_similarity(told, said)
    return 1 - functional.cosine_similarity(told.flatten(1), said.flatten(1))


def _summed(maps: list[Tensor], side: int) -> NDArray[np.float32]:
    """(side, side): maps of all layers, enlarged corner to corner as in the code, and summed."""
    each = [
        functional.interpolate(one[None, None], (side, side), mode="bilinear", align_corners=True)
        for one in maps
    ]
    found: NDArray[np.float32] = torch.cat(each).sum((0, 1)).cpu().numpy()
    return found
