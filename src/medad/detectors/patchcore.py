"""PatchCore: distance of every patch to a memory bank of healthy patches.

Roth et al., Towards Total Recall in Industrial Anomaly Detection, CVPR 2022, in the form that
anomalib gave it and CONSULT uses: 10 % coreset, 9 neighbours, re-weighted image score.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from torch import Tensor

from medad.detectors import require
from medad.detectors.grid import positions, stacked, vectors
from medad.detectors.keys import taken
from medad.detectors.scores import Pyramid, Scores
from medad.errors import MedadError
from medad.neighbors.coreset import greedy
from medad.neighbors.search import Index
from medad.room import Room

_TOGETHER = 16  # images searched at a time: threads of torch and of BLAS get in each other's way


@dataclass(frozen=True)
class PatchCoreParameters:
    """Keys of ``detectors.patchcore``.

    ``layers``: of the trunk, brought to the grid of the finest and concatenated in this order.
    ``pool``: odd side of the average pooling of every layer; 1 is none. ``coreset``: fraction of
    the patches kept, in (0, 1]. ``neighbors``: bank entries in the re-weighting, the nearest one
    included. ``reweight``: false gives the plain maximum, as does one neighbour. ``smooth``: sigma,
    in cells of the patch grid, of a Gaussian over an image's distances before the largest is
    taken; 0, as published, is none. The maps stay as they are. The last three are of scoring alone.
    """

    layers: tuple[int, ...]
    pool: int
    coreset: float
    neighbors: int = 9
    reweight: bool = True
    smooth: float = 0.0

    def __post_init__(self) -> None:
        require.distinct_layers(self.layers)
        if not 0 < self.coreset <= 1:
            raise MedadError(f"coreset: got {self.coreset}, allowed: a fraction in (0, 1]")
        require.counts(self, "neighbors")
        require.zero_or_more(self, "smooth")


class PatchCore:
    """A detector; see ``medad.detectors.scores.Detector`` for its methods."""

    def __init__(self, params: PatchCoreParameters, device: str = "cpu") -> None:
        self.params = params
        self.layers = params.layers
        self.device = device
        self.index: Index | None = None

    @classmethod
    def of(cls, params: Mapping[str, Any], device: str = "cpu") -> Self:
        """From a mapping with the keys of ``PatchCoreParameters``."""
        return cls(PatchCoreParameters(**taken(PatchCoreParameters, params)), device)

    def fit(self, pyramid: Pyramid, rng: np.random.Generator, room: Room | None = None) -> None:
        """Keep the greedy k-center coreset of all patches of the K images.

        ``max(1, round(coreset * patches))`` are kept, rounding half to even. ``rng`` draws the
        first, uniformly; the others follow from it.
        """
        patches = stacked(pyramid, self.layers, self.params.pool, room)
        count = max(1, round(self.params.coreset * len(patches)))
        chosen = greedy(patches, count, int(rng.integers(len(patches))), device=self.device)
        self.index = Index(torch.from_numpy(np.array(patches[chosen])).to(self.device))

    def score(self, pyramid: Pyramid) -> Scores:
        """Maps of Euclidean distances to the nearest bank entry; for the image, ``_image_scores``.

        A healthy image that is in the bank whole scores 0.
        """
        if self.index is None:
            raise RuntimeError("fit or load_state comes before score")
        images, maps = [], []
        grids = positions(pyramid, self.layers, self.params.pool, self.device)
        while group := list(islice(grids, _TOGETHER)):
            patches = torch.stack([vectors(grid) for grid in group])
            distances, entries = self.index.nearest(patches.flatten(0, 1), 1)
            distances, entries = (found.reshape(len(group), -1) for found in (distances, entries))
            shape = (len(group), *group[0].shape[1:])
            found = distances.reshape(shape).cpu().numpy()
            images.append(self._image_scores(patches, found, entries, self.index))
            maps.append(found.astype(np.float32))
        return Scores(np.concatenate(images), np.concatenate(maps))

    def _image_scores(
        self, patches: Tensor, distances: NDArray[np.float64], entries: Tensor, index: Index
    ) -> NDArray[np.float64]:
        """s = w s*, equations 6 and 7 of the paper as anomalib reads them, of n images.

        s* is the largest distance of a patch to its nearest bank entry m*, and
        w = 1 - softmax(distances of that patch to the entries nearest to m*)[m*], m* itself among
        them. A bank of one entry therefore gives w = 0 and scores every image 0.

        With ``smooth``, s* is the largest of the smoothed distances and the patch is the one there.

        ``patches``: (n, P, C). ``distances``: (n, h, w) to the nearest entry; ``entries``: (n, P),
        which that is.
        """
        sigma = self.params.smooth
        if sigma:
            distances = gaussian_filter(distances, (0, sigma, sigma), mode="nearest")
        flat = distances.reshape(len(distances), -1)
        every = torch.arange(len(patches))
        worst = torch.from_numpy(flat.argmax(axis=1))  # the first of equals
        farthest: NDArray[np.float64] = flat.max(axis=1)
        if not self.params.reweight or self.params.neighbors == 1:
            return farthest
        every, worst = every.to(patches.device), worst.to(patches.device)
        nearest = index.bank[entries[every, worst]]
        _, around = index.nearest(nearest, self.params.neighbors)
        differences = patches[every, worst][:, None].double() - index.bank[around].double()
        # Duplicates of m* may come before it; they are as far from the patch.
        # On the CPU, where a sum does not depend on how many there are.
        weights = 1 - torch.softmax(differences.cpu().norm(dim=2), 1)[:, 0]
        reweighted: NDArray[np.float64] = farthest * weights.numpy()
        return reweighted

    def state(self) -> dict[str, Tensor]:
        """``bank``: (M, C) float32, in the order of the coreset."""
        if self.index is None:
            raise RuntimeError("fit comes before state")
        return {"bank": self.index.bank}

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Restore ``state()``; MedadError when it is another detector's."""
        bank = state.get("bank")
        if bank is None or bank.ndim != 2 or bank.dtype != torch.float32 or not len(bank):
            raise MedadError(
                f"not the state of PatchCore (has {sorted(state)}); delete the head to fit it again"
            )
        self.index = Index(bank.to(self.device))
