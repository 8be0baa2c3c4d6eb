"""GANomaly: encode, decode and encode again; the two codes differ for what is not healthy.

Akcay et al., GANomaly: Semi-supervised anomaly detection via adversarial training, ACCV 2018.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import (
    binary_cross_entropy_with_logits,
    l1_loss,
    mse_loss,
    smooth_l1_loss,
)

from medad.detectors import require
from medad.detectors.adam import adam, descend
from medad.detectors.epochs import Epochs
from medad.detectors.ganomaly_networks import networks
from medad.detectors.images import Images
from medad.detectors.keys import taken
from medad.detectors.network_state import collect, frozen, restore
from medad.detectors.pixels import to_images, to_pixels
from medad.detectors.scores import Scores
from medad.detectors.training import Training, run
from medad.errors import MedadError

Variant = Literal["paper", "anomalib"]


@dataclass(frozen=True)
class GanomalyParameters:
    """Keys of ``detectors.ganomaly``.

    ``resolution``: side of the images the networks see, a power of two from 16, or from 32 for
    ``anomalib``. ``latent``: channels of the code; ``features``: of the first convolution.
    ``epochs``: passes over the K images, a step taking min(``batch``, K) of them. ``adversarial``,
    ``contextual``, ``encoding``: weights of the generator's three losses, equation 4.
    ``learning_rate``, ``beta1``: of Adam. ``variant``: the ``paper``'s losses and the authors'
    networks, or those of the library ``anomalib`` (2.7); see ``generator_losses`` and
    ``medad.detectors.ganomaly_networks.networks``.
    """

    resolution: int
    latent: int
    features: int
    epochs: int
    batch: int
    adversarial: float
    contextual: float
    encoding: float
    learning_rate: float
    beta1: float
    variant: Variant

    def __post_init__(self) -> None:
        # With its wider padding, anomalib's code of 16 pixels would be 2 x 2 and not one vector.
        least = 32 if self.variant == "anomalib" else 16
        if self.resolution < least or self.resolution & (self.resolution - 1):
            raise MedadError(
                f"resolution: got {self.resolution}, allowed: {least}, {2 * least}, {4 * least} "
                f"and so on (variant: {self.variant})"
            )
        require.counts(self, "latent", "features", "epochs", "batch")
        require.zero_or_more(self, "adversarial", "contextual", "encoding")
        require.above_zero(self, "learning_rate")
        if not 0 <= self.beta1 < 1:
            raise MedadError(f"beta1: got {self.beta1}, allowed: 0 or more, below 1")
        if self.variant not in ("paper", "anomalib"):
            raise MedadError(f"variant: got {self.variant!r}, allowed: paper, anomalib")


class Ganomaly:
    """A detector; see ``medad.detectors.images.ImageDetector`` for its methods.

    The networks are scored in evaluation mode, with the running statistics of their batch norms,
    after the last epoch. The authors' code scores in training mode, so that an image's score
    depends on those beside it, keeps the best epoch on the test set and scales scores by it; it
    also draws the discriminator anew when its loss vanishes. None of that is in the paper or here.
    """

    def __init__(self, params: GanomalyParameters, device: str = "cpu") -> None:
        self.params = params
        self.device = device
        self.modules: dict[str, nn.Sequential] = {}
        self.curves: dict[str, Tensor] = {}

    @classmethod
    def of(cls, params: Mapping[str, Any], device: str = "cpu") -> Self:
        """From a mapping with the keys of ``GanomalyParameters``."""
        return cls(GanomalyParameters(**taken(GanomalyParameters, params)), device)

    def fit(self, images: Images, training: Training) -> None:
        """Train the generator (encoder, decoder, encoder) and the discriminator together."""
        params = self.params
        real = to_pixels(images, params.resolution, self.device)
        with training.seeded("networks"):
            every = {name: net.to(self.device).train() for name, net in self._networks().items()}
        discriminator = every["discriminator"]
        generator = {name: net for name, net in every.items() if net is not discriminator}
        optimizers = {
            "generator": adam(generator.values(), params.learning_rate, params.beta1),
            "discriminator": adam([discriminator], params.learning_rate, params.beta1),
        }
        epochs = Epochs(training, "ganomaly", len(real), params.batch, params.epochs)

        def step(index: int) -> dict[str, float]:
            x = real[epochs.images(index)]
            code, again, recode = _passed(generator, x)
            losses = generator_losses(discriminator, x, code, again, recode, params.variant)
            weighted = [getattr(params, name) * loss for name, loss in losses.items()]
            descend(optimizers["generator"], torch.stack(weighted).sum())
            losses["discriminator"] = discriminator_loss(discriminator, x, again.detach())
            descend(optimizers["discriminator"], losses["discriminator"])
            return {name: loss.item() for name, loss in losses.items()}

        self.curves = run(training, "ganomaly", every, optimizers, step, epochs.steps)
        frozen(generator)
        self.modules = generator

    def _networks(self) -> dict[str, nn.Sequential]:
        params = self.params
        anomalib = params.variant == "anomalib"
        return networks(params.resolution, params.latent, params.features, anomalib)

    def _generator(self) -> dict[str, nn.Sequential]:
        return {name: net for name, net in self._networks().items() if name != "discriminator"}

    @torch.no_grad()
    def score(self, images: Images) -> Scores:
        """Mean of (z - z')^2 over the code, z of the image and z' of its reconstruction.

        A map (resolution, resolution) has at each pixel the absolute residual, of values in
        [-1, 1], averaged over channels; the score does not come from it.
        """
        scores, maps = [], []
        for image in images:
            x = to_pixels(image[None], self.params.resolution, self.device)
            code, again, recode = _passed(self._fitted("score"), x)
            scores.append(float((code - recode).double().square().mean()))
            maps.append((x - again)[0].abs().mean(0).cpu().numpy())
        return Scores(np.array(scores, np.float64), np.stack(maps))

    @torch.no_grad()
    def reconstruct(self, images: Images) -> Images:
        """What the networks make of N images: uint8 (N, resolution, resolution, 3)."""
        networks = self._fitted("reconstruct")
        parts = []
        for image in images:
            x = to_pixels(image[None], self.params.resolution, self.device)
            parts.append(to_images(networks["decoder"](networks["encoder"](x))))
        return np.concatenate(parts)

    def _fitted(self, purpose: str) -> dict[str, nn.Sequential]:
        if not self.modules:
            raise RuntimeError(f"fit or load_state comes before {purpose}")
        return self.modules

    def state(self) -> dict[str, Tensor]:
        """Weights and statistics of ``encoder``, ``decoder`` and ``reencoder``, and the curves.

        ``history/<term>``: a value a step of the losses ``adversarial``, ``contextual``,
        ``encoding`` (before their weights) and ``discriminator``.
        """
        if not self.modules:
            raise RuntimeError("fit comes before state")
        return collect(self.modules, self.curves)

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Restore ``state()``; MedadError when it is another detector's."""
        self.modules, self.curves = restore(self._generator, state, self.device, "GANomaly")


def generator_losses(
    discriminator: nn.Sequential,
    x: Tensor,
    code: Tensor,
    again: Tensor,
    recode: Tensor,
    variant: Variant,
) -> dict[str, Tensor]:
    """Equations 1 to 3, means over all elements: ``adversarial``, ``contextual``, ``encoding``.

    The adversarial loss is the squared difference of the discriminator's features of the images
    and of their reconstructions ``again``; the contextual loss the absolute one of the pixels; the
    encoding loss the squared one of the two codes. ``anomalib`` compares the discriminator's
    probabilities instead of its features, and the codes by a smooth L1 loss.
    """
    if variant == "anomalib":
        with torch.no_grad():
            target = discriminator(x).sigmoid()
        adversarial = mse_loss(discriminator(again).sigmoid(), target)
        encoding = smooth_l1_loss(code, recode)
    else:
        with torch.no_grad():
            target = discriminator[0](x)
        adversarial = mse_loss(discriminator[0](again), target)
        encoding = mse_loss(code, recode)
    return {"adversarial": adversarial, "contextual": l1_loss(again, x), "encoding": encoding}


def discriminator_loss(discriminator: nn.Sequential, x: Tensor, again: Tensor) -> Tensor:
    """Mean of two cross entropies: images are real, reconstructions are not."""
    real, fake = discriminator(x), discriminator(again)
    return (
        binary_cross_entropy_with_logits(real, torch.ones_like(real))
        + binary_cross_entropy_with_logits(fake, torch.zeros_like(fake))
    ) / 2


def _passed(generator: Mapping[str, nn.Sequential], x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Code of the images, reconstructions, and the code of those."""
    code = generator["encoder"](x)
    again = generator["decoder"](code)
    return code, again, generator["reencoder"](again)
