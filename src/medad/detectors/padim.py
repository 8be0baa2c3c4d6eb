"""PaDiM: a Gaussian of healthy features at every position.

Defard et al., PaDiM: a Patch Distribution Modeling Framework, ICPR 2020 workshops.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from medad.detectors import require
from medad.detectors.grid import Align, positions, stacked
from medad.detectors.keys import taken
from medad.detectors.maps import upsample
from medad.detectors.scores import Pyramid, Scores
from medad.errors import MedadError
from medad.room import Room

_MEMORY = 1 << 26  # bytes of the float64 features of the positions looked at together
_STATE = {"channels": 1, "mean": 2, "axes": 3, "variances": 2}


@dataclass(frozen=True)
class PadimParameters:
    """Keys of ``detectors.padim``.

    ``layers``: of the trunk, brought to the grid of the finest and concatenated in this order.
    ``align``: how a coarse layer comes to that grid; ``nearest`` in the original and in anomalib.
    ``dimensions``: channels kept of them, drawn at random. ``regularisation``: added to the
    diagonal of every covariance, above 0. ``smooth``: sigma, in pixels of the image, of the
    Gaussian on the enlarged map whose maximum is the image score, as in the original (4); 0 takes
    the maximum of the grid; of scoring alone.
    """

    layers: tuple[int, ...]
    align: Align
    dimensions: int
    regularisation: float
    smooth: float = 4.0

    def __post_init__(self) -> None:
        require.distinct_layers(self.layers)
        require.one_of(self, align=get_args(Align))
        require.counts(self, "dimensions")
        require.above_zero(self, "regularisation")
        require.zero_or_more(self, "smooth")


class Padim:
    """A detector; see ``medad.detectors.scores.Detector`` for its methods.

    Of K images the covariance C = X^T X / (K - 1) of a position has rank below K, so its
    eigenvectors U (from the K x d matrix X of centred features) and eigenvalues v say everything:
    z^T (C + e I)^-1 z = |z - U U^T z|^2 / e + sum (u^T z)^2 / (v + e), without a d x d matrix.
    With K = 1 the covariance is zero and the score a scaled distance to that one image; for small K
    most of the score is the first term.
    """

    def __init__(self, params: PadimParameters, device: str = "cpu") -> None:
        self.params = params
        self.layers = params.layers
        self.device = device
        self.learned: dict[str, Tensor] | None = None

    @classmethod
    def of(cls, params: Mapping[str, Any], device: str = "cpu") -> Self:
        """From a mapping with the keys of ``PadimParameters``."""
        return cls(PadimParameters(**taken(PadimParameters, params)), device)

    def fit(self, pyramid: Pyramid, rng: np.random.Generator, room: Room | None = None) -> None:
        """Mean and covariance of ``dimensions`` channels, drawn by ``rng``, at every position."""
        vectors = stacked(pyramid, self.layers, 1, room, self.params.align)
        total = vectors.shape[1]
        if self.params.dimensions > total:
            raise MedadError(
                f"dimensions: got {self.params.dimensions}, allowed: at most the {total} channels "
                f"of layers {list(self.layers)} of this backbone; lower it or add layers"
            )
        drawn = np.sort(rng.permutation(total)[: self.params.dimensions])
        images = vectors.reshape(len(pyramid[self.layers[0]]), -1, total)
        at_a_time = max(1, _MEMORY // (8 * len(images) * len(drawn)))
        parts = [
            _gaussians(images[:, begin : begin + at_a_time][:, :, drawn])
            for begin in range(0, images.shape[1], at_a_time)
        ]
        names = ("mean", "axes", "variances")
        learned = {
            n: torch.cat(values) for n, values in zip(names, zip(*parts, strict=True), strict=True)
        }
        self.load_state({"channels": torch.from_numpy(drawn), **learned})

    def score(self, pyramid: Pyramid) -> Scores:
        """Maps of Mahalanobis distances; the image score is the maximum of the smoothed ones.

        The maps themselves are not smoothed: that belongs to the evaluation.
        """
        if self.learned is None:
            raise RuntimeError("fit or load_state comes before score")
        channels = self.learned["channels"]
        mean = self.learned["mean"].double()
        axes = self.learned["axes"].double()
        epsilon = self.params.regularisation
        weights = 1 / (self.learned["variances"].double() + epsilon)
        maps = []
        for grid in positions(pyramid, self.layers, 1, self.device, self.params.align):
            if grid.shape[1] * grid.shape[2] != len(mean):
                raise MedadError(
                    f"features have {tuple(grid.shape[1:])} positions, the head {len(mean)}; "
                    "score images of the side the head was fitted with"
                )
            z = (grid[channels].flatten(1).T.double() - mean)[:, :, None]
            along = axes @ z
            across = z - axes.mT @ along
            square = across.square().sum((1, 2)) / epsilon
            square += (weights * along[:, :, 0].square()).sum(1)
            maps.append(square.sqrt().reshape(grid.shape[1:]).cpu().numpy())
        stacked = np.stack(maps)
        return Scores(self._largest(stacked), stacked.astype(np.float32))

    def _largest(self, maps: NDArray[np.float64]) -> NDArray[np.float64]:
        """(n,) maxima of maps (n, h, w), enlarged to the image and smoothed where that is asked."""
        if self.params.smooth > 0:
            side = maps.shape[1] * 2 ** (min(self.layers) + 1)  # a cell of layer 1 is 4 pixels
            # One by one: at 256 pixels a map is 16 times its grid.
            each = (upsample(one[None], side, self.params.smooth).max() for one in maps)
            return np.fromiter(each, np.float64, len(maps))
        largest: NDArray[np.float64] = maps.max(axis=(1, 2))
        return largest

    def state(self) -> dict[str, Tensor]:
        """``channels`` (d,), ``mean`` (P, d), ``axes`` (P, r, d) and ``variances`` (P, r).

        P positions in row-major order, r = min(K, d); float32 but for the int64 channels.
        """
        if self.learned is None:
            raise RuntimeError("fit comes before state")
        return self.learned

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Restore ``state()``; MedadError when it is another detector's."""
        found = {name: tensor.ndim for name, tensor in state.items()}
        if found != _STATE or state["mean"].shape[1] != self.params.dimensions:
            raise MedadError(
                f"not the state of this PaDiM (has {found}); delete the head to fit it again"
            )
        self.learned = {name: tensor.to(self.device) for name, tensor in state.items()}


def _gaussians(features: NDArray[np.float32]) -> tuple[Tensor, Tensor, Tensor]:
    """Mean, axes and variances, as ``Padim.state`` has them, of (K, P, d) features."""
    values = torch.from_numpy(np.array(features)).transpose(0, 1).double()
    mean = values.mean(1, keepdim=True)
    _, lengths, axes = torch.linalg.svd(values - mean, full_matrices=False)
    variances = lengths.square() / max(1, values.shape[1] - 1)
    return mean[:, 0].float(), axes.float(), variances.float()
