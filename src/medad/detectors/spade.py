"""SPADE: the nearest healthy images, and the nearest of their features at every position.

Cohen and Hoshen, Sub-Image Anomaly Detection with Deep Pyramid Correspondences,
arXiv 2005.02357.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from medad.detectors import require
from medad.detectors.grid import positions, vectors
from medad.detectors.keys import taken
from medad.detectors.maps import resize
from medad.detectors.scores import Pyramid, Scores
from medad.errors import MedadError
from medad.neighbors.search import Index
from medad.room import Room


@dataclass(frozen=True)
class SpadeParameters:
    """Keys of ``detectors.spade``.

    ``layers``: of the trunk, whose positions are compared for the map. ``image_layer``: whose mean
    over positions stands for the image; the last of the trunk (4) in the original. ``neighbors``:
    healthy images (K) that an image is compared with, all of them where there are fewer; of scoring
    alone.
    """

    layers: tuple[int, ...]
    image_layer: int
    neighbors: int = 5

    def __post_init__(self) -> None:
        require.distinct_layers(self.layers)
        require.counts(self, "neighbors")


class Spade:
    """A detector; see ``medad.detectors.scores.Detector`` for its methods."""

    def __init__(self, params: SpadeParameters, device: str = "cpu") -> None:
        self.params = params
        self.layers = tuple(sorted({*params.layers, params.image_layer}))
        self.device = device
        self.images: NDArray[np.float64] | None = None  # (N, C), of the layer for images
        self.gallery: dict[int, Tensor] = {}  # layer -> (N, h * w, C)

    @classmethod
    def of(cls, params: Mapping[str, Any], device: str = "cpu") -> Self:
        """From a mapping with the keys of ``SpadeParameters``."""
        return cls(SpadeParameters(**taken(SpadeParameters, params)), device)

    def fit(self, pyramid: Pyramid, rng: np.random.Generator, room: Room | None = None) -> None:
        """Keep the features of the healthy images; nothing is drawn."""
        whole = self._grids(pyramid, self.params.image_layer)
        images = np.stack([_mean(grid) for grid in whole])
        self.gallery = {
            layer: torch.stack([vectors(grid) for grid in self._grids(pyramid, layer)])
            for layer in self.params.layers
        }
        self.images = images.astype(np.float32).astype(np.float64)  # as a loaded head has them

    def score(self, pyramid: Pyramid) -> Scores:
        """For an image the mean distance to its ``neighbors``; maps of distances of its positions.

        A position's distance is that to the nearest feature, at any position, of those images;
        maps of several layers are brought to the finest grid, bilinearly, and averaged.
        """
        if self.images is None:
            raise RuntimeError("fit or load_state comes before score")
        count = min(self.params.neighbors, len(self.images))
        grids = {layer: self._grids(pyramid, layer) for layer in self.layers}
        scores, maps = [], []
        for number, whole in enumerate(grids[self.params.image_layer]):
            distances = np.sqrt(np.square(self.images - _mean(whole)).sum(axis=1))
            nearest = distances.argsort(kind="stable")[:count]
            scores.append(distances[nearest].mean())
            maps.append(self._map({layer: g[number] for layer, g in grids.items()}, nearest))
        return Scores(np.array(scores), np.stack(maps))

    def state(self) -> dict[str, Tensor]:
        """``images`` (N, C) and ``layer<n>`` (N, h * w, C), all float32."""
        if self.images is None:
            raise RuntimeError("fit comes before state")
        kept = {f"layer{layer}": values for layer, values in self.gallery.items()}
        return {"images": torch.from_numpy(self.images.astype(np.float32)), **kept}

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Restore ``state()``; MedadError when it is another detector's."""
        wanted = {"images": 2, **{f"layer{layer}": 3 for layer in self.params.layers}}
        found = {name: tensor.ndim for name, tensor in state.items()}
        if found != wanted or len({len(tensor) for tensor in state.values()}) != 1:
            raise MedadError(
                f"not the state of this SPADE (has {found}); delete the head to fit it again"
            )
        self.images = state["images"].numpy().astype(np.float64)
        self.gallery = {n: state[f"layer{n}"].to(self.device) for n in self.params.layers}

    def _grids(self, pyramid: Pyramid, layer: int) -> list[Tensor]:
        """(C, h, w) of every image, on the device."""
        return list(positions(pyramid, (layer,), 1, self.device))

    def _map(self, grids: Mapping[int, Tensor], nearest: NDArray[np.int64]) -> NDArray[np.float32]:
        finest = grids[min(self.params.layers)].shape[-2:]
        total = np.zeros(finest)
        for layer in self.params.layers:
            grid = grids[layer]
            # In the order of the gallery, so that which image is nearer does not matter.
            gallery = self.gallery[layer][torch.from_numpy(np.sort(nearest)).to(self.device)]
            if gallery.shape[1] != grid[0].numel() or gallery.shape[2] != len(grid):
                raise MedadError(
                    f"features of layer {layer} are {len(grid)} at {grid[0].numel()} positions, "
                    f"the head's {gallery.shape[2]} at {gallery.shape[1]}; score images of the "
                    "side and backbone the head was fitted with"
                )
            distances, _ = Index(gallery.flatten(0, 1)).nearest(vectors(grid), 1)
            found = distances.reshape(grid.shape[1:]).cpu().numpy()
            total += resize(found, (finest[0], finest[1]))
        return (total / len(self.params.layers)).astype(np.float32)


def _mean(grid: Tensor) -> NDArray[np.float64]:
    """(C,): mean over the positions of (C, h, w)."""
    found: NDArray[np.float64] = vectors(grid).double().mean(0).cpu().numpy()
    return found
