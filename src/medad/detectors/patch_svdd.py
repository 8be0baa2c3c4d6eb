"""Patch SVDD: codes of patches that tell where a patch is, and distances to healthy codes.

Yi and Yoon, Patch SVDD: Patch-level SVDD for Anomaly Detection and Segmentation, ACCV 2020, and
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

from medad.detectors import require
from medad.detectors.adam import adam, descend
from medad.detectors.epochs import Epochs
from medad.detectors.images import Images
from medad.detectors.keys import taken
from medad.detectors.maps import resize
from medad.detectors.network_state import collect, frozen, restore
from medad.detectors.patch_svdd_networks import LARGE, SMALL, STEP, Encoder, Position
from medad.detectors.patch_svdd_patches import jittered, neighbours, spread
from medad.detectors.pixels import to_unit
from medad.detectors.scores import Scores
from medad.detectors.training import Training, run
from medad.errors import MedadError
from medad.neighbors.search import Index

Combine = Literal["product", "sum", "large", "small"]
_STRIDES = {LARGE: 16, SMALL: 4}  # pixels between the patches that are compared
_CELL = 4  # pixels a cell of the maps
_BETA1 = 0.9


@dataclass(frozen=True)
class PatchSvddParameters:
    """Keys of ``detectors.patch_svdd``.

    ``channels``: of the code of a patch; ``width``: of the encoder's inner channels, fraction of
    the authors'. ``epochs``: passes over ``repeats`` copies of every image, a step seeing ``batch``
    of them. ``svdd``: lambda, weight of the distance between the codes of a patch and of one a
    little moved, beside telling neighbours apart. ``fixed_classes``: the last layer that tells them
    apart stays as drawn, as in the code. ``combine``: maps of patches of 64 and of 32 pixels, as
    their product or sum, or one of them; of scoring alone.
    """

    side: int
    channels: int
    width: float
    epochs: int
    repeats: int
    batch: int
    svdd: float
    fixed_classes: bool
    learning_rate: float
    combine: Combine = "product"

    @classmethod
    def of(cls, params: Mapping[str, Any]) -> Self:
        """From a mapping that has these keys, and may have others."""
        return cls(**taken(cls, params))

    def __post_init__(self) -> None:
        if self.side < LARGE:
            raise MedadError(
                f"image.side: got {self.side}, allowed for patch_svdd: {LARGE} or more; change it, "
                "or use another method"
            )
        require.counts(self, "channels", "epochs", "repeats", "batch")
        require.above_zero(self, "width", "learning_rate")
        require.zero_or_more(self, "svdd")
        require.one_of(self, combine=get_args(Combine))


class PatchSvdd:
    """An image detector; see ``medad.detectors.images.ImageDetector`` for its methods."""

    def __init__(self, params: PatchSvddParameters, device: str = "cpu") -> None:
        self.params = params
        self.device = device
        self.encoder: Encoder | None = None
        self.mean = torch.zeros(0)  # (3, side, side), of the healthy images
        self.banks: dict[int, Index] = {}
        self.history: dict[str, Tensor] = {}

    @classmethod
    def of(cls, params: Mapping[str, Any], device: str = "cpu") -> Self:
        """From a mapping with the keys of ``PatchSvddParameters``."""
        return cls(PatchSvddParameters.of(params), device)

    def fit(self, images: Images, training: Training) -> None:
        """Train the encoder, and keep the codes of all healthy patches."""
        params = self.params
        values = self._pixels(images)
        self.mean = values.double().mean(0).float()
        seen = values - self.mean
        with training.seeded("networks"):
            modules: dict[str, nn.Module] = {
                "encoder": Encoder(params.channels, params.width),
                "large": Position(params.channels, params.fixed_classes),
                "small": Position(params.channels, params.fixed_classes),
            }
        for module in modules.values():
            module.to(self.device)
        encoder = modules["encoder"]
        assert isinstance(encoder, Encoder)
        optimizer = adam(modules.values(), params.learning_rate, _BETA1)
        copies = params.repeats * len(seen)
        epochs = Epochs(training, "encoder", copies, params.batch, params.epochs)

        def step(index: int) -> dict[str, float]:
            chosen = seen[epochs.images(index) % len(seen)]
            terms = {}
            for size, name in ((LARGE, "large"), (SMALL, "small")):
                one, other, classes = neighbours(chosen, size)
                logits = modules[name](encoder.of_patches(one), encoder.of_patches(other))
                terms[f"position_{size}"] = functional.cross_entropy(logits, classes)
            for size in (LARGE, SMALL):
                patch, moved = (encoder.of_patches(part) for part in jittered(chosen, size))
                terms[f"svdd_{size}"] = params.svdd * (patch - moved).norm(dim=1).mean()
            loss = torch.stack(list(terms.values())).sum()
            descend(optimizer, loss)
            return {**{name: term.item() for name, term in terms.items()}, "loss": loss.item()}

        curves = run(training, "encoder", modules, {"encoder": optimizer}, step, epochs.steps)
        frozen(modules)
        self.encoder = encoder
        self.history = {name: curve.cpu() for name, curve in curves.items()}
        codes = [self._codes(image) for image in seen]
        self.banks = {
            size: Index(torch.cat([one[size].flatten(1).T for one in codes]).contiguous())
            for size in _STRIDES
        }

    def score(self, images: Images) -> Scores:
        """Distances of patches to the nearest healthy code, spread over the pixels they cover.

        Two maps, of patches of 64 and of 32 pixels, are combined; the image score is the maximum.
        The maps returned are reduced to cells of 4 pixels.
        """
        if self.encoder is None:
            raise RuntimeError("fit or load_state comes before score")
        side = self.params.side
        scores, maps = [], []
        for image in self._pixels(images) - self.mean:
            whole = self._map(image)
            scores.append(whole.max())
            cells = (side // _CELL, side // _CELL)
            maps.append(resize(whole, cells).astype(np.float32))
        return Scores(np.array(scores), np.stack(maps))

    def state(self) -> dict[str, Tensor]:
        """``encoder/...``, ``mean`` (3, side, side), ``bank64`` and ``bank32`` (M, channels)."""
        if self.encoder is None:
            raise RuntimeError("fit comes before state")
        banks = {f"bank{size}": index.bank for size, index in self.banks.items()}
        return {**collect({"encoder": self.encoder}, self.history), "mean": self.mean, **banks}

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Restore ``state()``; MedadError when it is another detector's."""
        side, channels = self.params.side, self.params.channels
        names = ["mean", *(f"bank{size}" for size in _STRIDES)]
        own = {name: state[name] for name in names if name in state}
        if (
            len(own) < len(names)
            or own["mean"].shape != (3, side, side)
            or any(own[n].ndim != 2 or own[n].shape[1] != channels for n in names[1:])
        ):
            raise MedadError(
                f"not the state of this Patch SVDD (needs {', '.join(names)} of its side and "
                "channels); delete the head to fit it again"
            )
        rest = {name: tensor for name, tensor in state.items() if name not in own}
        modules, self.history = restore(
            lambda: {"encoder": Encoder(channels, self.params.width)},
            rest,
            self.device,
            "Patch SVDD",
        )
        self.encoder = modules["encoder"]
        self.mean = own["mean"].to(self.device)
        self.banks = {size: Index(own[f"bank{size}"].to(self.device)) for size in _STRIDES}

    def _pixels(self, images: Images) -> Tensor:
        return to_unit(images, self.params.side, self.device)

    @torch.no_grad()
    def _codes(self, image: Tensor) -> dict[int, Tensor]:
        """Size of patches -> (channels, h, w), of one image less the mean (3, side, side)."""
        assert self.encoder is not None
        small = self.encoder.small(image[None])
        found = {LARGE: self.encoder.large(small)[0], SMALL: small[0]}
        steps = {size: stride // STEP for size, stride in _STRIDES.items()}
        return {size: found[size][:, :: steps[size], :: steps[size]] for size in _STRIDES}

    def _map(self, image: Tensor) -> NDArray[np.float64]:
        """(side, side): maps of both sizes as ``combine`` says."""
        found = {}
        for size, codes in self._codes(image).items():
            distances, _ = self.banks[size].nearest(codes.flatten(1).T.contiguous(), 1)
            grid = distances.reshape(codes.shape[1:]).cpu().numpy()
            found[size] = spread(grid, self.params.side, size, _STRIDES[size])
        match self.params.combine:
            case "product":
                return found[LARGE] * found[SMALL]
            case "sum":
                return found[LARGE] + found[SMALL]
            case one:
                return found[LARGE if one == "large" else SMALL]
