"""ADFA: attention-augmented differentiable top-k feature adaptation.

Huang et al., ICASSP 2023 (arXiv 2303.02360), and, in mode ``code``, what the authors' code does
otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from medad.detectors.adam import descend
from medad.detectors.adfa_descriptor import Descriptor, adaptive_kernel, coordinates
from medad.detectors.adfa_parameters import AdfaParameters
from medad.detectors.epochs import Epochs
from medad.detectors.grid import positions, stacked, vectors
from medad.detectors.maps import upsample
from medad.detectors.network_state import collect, frozen, restore
from medad.detectors.scores import Pyramid, Scores
from medad.detectors.training import Training, run
from medad.errors import MedadError
from medad.losses.adaptation import divergences, soft_distances, topk_mass
from medad.room import Room


class Adfa:
    """A detector that trains on features; see ``medad.detectors.scores.TrainedDetector``.

    With ``cost: batch`` images of a ``score`` depend on each other, ``together`` at a time.
    """

    def __init__(self, params: AdfaParameters, device: str = "cpu") -> None:
        self.params = params
        self.layers = params.layers
        self.together = params.batch if params.cost == "batch" else 1
        self.mixed = params.order == "mixed"
        self.device = device
        self.descriptor: Descriptor | None = None
        self.centres = torch.zeros(0, 0)
        self.history: dict[str, Tensor] = {}

    @classmethod
    def of(cls, params: Mapping[str, Any], device: str = "cpu") -> Self:
        """From a mapping with the keys of ``AdfaParameters``."""
        return cls(AdfaParameters.of(params), device)

    def fit(self, pyramid: Pyramid, training: Training, room: Room | None = None) -> None:
        """Set the centres by an untrained descriptor, then train it to bring patches to them."""
        params = self.params
        rows = stacked(pyramid, self.layers, params.pool, room)
        height, width = pyramid[min(self.layers)].shape[-2:]
        values = rows.reshape(-1, height * width, rows.shape[1])
        places = coordinates(height, width).to(self.device)
        with training.seeded("descriptor"):
            descriptor = self._made(rows.shape[1]).to(self.device)
        epochs = Epochs(training, "adaptation", len(values), params.batch, params.epochs)
        centres = self._centres(descriptor, values, places, epochs)
        optimizer = torch.optim.AdamW(
            descriptor.parameters(),
            params.learning_rate,
            weight_decay=params.weight_decay,
            amsgrad=True,
        )

        def step(index: int) -> dict[str, float]:
            chosen = epochs.images(index).numpy()
            patches = descriptor(self._tensor(values[chosen]), places)
            factors = self._factors(patches.detach(), centres)
            loss = soft_distances(patches, centres, params.learned, factors).mean()
            descend(optimizer, loss)
            if index % epochs.each:
                return {"loss": loss.item()}
            some = slice(None) if params.cost == "batch" else slice(1)  # one is enough
            given = None if factors is None else factors[some]
            mass = topk_mass(patches[some].detach(), centres, params.learned, given)
            return {"loss": loss.item(), "topk_mass": mass.mean().item()}

        modules, optimizers = {"descriptor": descriptor}, {"descriptor": optimizer}
        curves = run(training, "adaptation", modules, optimizers, step, epochs.steps)
        frozen(modules)
        self.descriptor, self.centres = descriptor, centres
        self.history = {name: curve.cpu() for name, curve in curves.items()}

    @torch.no_grad()
    def score(self, pyramid: Pyramid) -> Scores:
        """Maps of equation 6's terms, in mode ``code`` their roots; of an image as params say."""
        if self.descriptor is None:
            raise RuntimeError("fit or load_state comes before score")
        params = self.params
        maps: list[NDArray[np.float32]] = []
        images: list[float] = []
        for grids in self._groups(pyramid):
            height, width = grids[0].shape[-2:]
            if height * width != len(self.centres):
                raise MedadError(
                    f"features have {height * width} positions, the head {len(self.centres)}; "
                    "score images of the side the head was fitted with"
                )
            places = coordinates(height, width).to(self.device)
            # One by one: a kernel may round a batch differently from its parts.
            patches = torch.cat([self.descriptor(vectors(g)[None], places) for g in grids])
            factors = self._factors(patches, self.centres)
            found = soft_distances(patches, self.centres, params.scored, factors)
            if params.mode == "code":
                found = found.sqrt()
            own = [one.reshape(height, width).cpu().numpy() for one in found]
            if params.image_score == "divergence":
                if factors is None:
                    factors = divergences(patches, self.centres)
                images += factors.double().sqrt().tolist()
            else:
                images += [self._image_score(one) for one in own]
            maps += own
        return Scores(np.array(images), np.stack(maps))

    @torch.no_grad()
    def gates(self, pyramid: Pyramid) -> NDArray[np.float32]:
        """Channel attention A of equation 1, (N, D) in (0, 1), of N images."""
        if self.descriptor is None:
            raise RuntimeError("fit or load_state comes before gates")
        found = []
        for grid in positions(pyramid, self.layers, self.params.pool, self.device):
            places = coordinates(*grid.shape[-2:]).to(self.device)
            reduced = self.descriptor.reduced(vectors(grid)[None], places)
            found.append(self.descriptor.gate(reduced)[0].cpu().numpy())
        return np.stack(found)

    def state(self) -> dict[str, Tensor]:
        """``descriptor/...``, ``centres`` (P, D) and ``history/...``, all float32."""
        if self.descriptor is None:
            raise RuntimeError("fit comes before state")
        return {**collect({"descriptor": self.descriptor}, self.history), "centres": self.centres}

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Restore ``state()``; MedadError when it is another detector's."""
        centres, weight = state.get("centres"), state.get("descriptor/reduce.weight")
        if centres is None or weight is None or centres.shape[1:] != weight.shape[:1]:
            raise MedadError(
                f"not the state of this ADFA (has {sorted(state)[:5]}); delete the head to fit it "
                "again"
            )
        rest = {name: tensor for name, tensor in state.items() if name != "centres"}
        channels = weight.shape[1] - 2
        modules, self.history = restore(
            lambda: {"descriptor": self._made(channels)}, rest, self.device, "ADFA"
        )
        self.descriptor, self.centres = modules["descriptor"], centres.to(self.device)

    def _made(self, channels: int) -> Descriptor:
        params = self.params
        kernel = params.kernel
        if kernel == "adaptive":
            kernel = adaptive_kernel(channels // params.reduction)
        return Descriptor(channels, params.reduction, params.attention, kernel, params.pooling)

    def _groups(self, pyramid: Pyramid) -> Iterator[list[Tensor]]:
        """Features of images that are scored together, in their order."""
        group: list[Tensor] = []
        for grid in positions(pyramid, self.layers, self.params.pool, self.device):
            group.append(grid)
            if len(group) == self.together:
                yield group
                group = []
        if group:
            yield group

    @torch.no_grad()
    def _centres(
        self, descriptor: nn.Module, values: NDArray[np.float32], places: Tensor, epochs: Epochs
    ) -> Tensor:
        """(P, D): means over the images, of equation 3, or over the means of batches."""
        if self.params.centres == "mean":
            total = sum(descriptor(self._tensor(one[None]), places)[0].double() for one in values)
            assert isinstance(total, Tensor)
            return (total / len(values)).float()
        batches = [epochs.images(step).numpy() for step in range(epochs.each)]
        means = [descriptor(self._tensor(values[b]), places).mean(0).double() for b in batches]
        return torch.stack(means).mean(0).float()

    def _factors(self, patches: Tensor, centres: Tensor) -> Tensor | None:
        return divergences(patches, centres) if self.params.divergence else None

    def _image_score(self, patches: NDArray[np.float32]) -> float:
        params = self.params
        if params.smooth:
            patches = upsample(patches[None], params.side, params.smooth)
        values = patches.astype(np.float64)
        return float(values.max() if params.image_score == "maximum" else values.mean())

    def _tensor(self, values: NDArray[np.float32]) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(values)).to(self.device)
