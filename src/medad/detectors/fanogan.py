"""f-AnoGAN: a GAN of healthy images, and an encoder whose reconstructions miss what is not healthy.

Schlegl et al., f-AnoGAN: Fast unsupervised anomaly detection with generative adversarial networks,
Medical Image Analysis 54, 2019.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
import torch
from torch import Tensor, nn

from medad.detectors import require
from medad.detectors.adam import adam, descend
from medad.detectors.epochs import Epochs
from medad.detectors.fanogan_networks import networks
from medad.detectors.images import Images
from medad.detectors.keys import taken
from medad.detectors.network_state import collect, frozen, restore
from medad.detectors.pixels import to_images, to_pixels
from medad.detectors.scores import Scores
from medad.detectors.training import Training, run
from medad.detectors.wasserstein import critic_loss, generator_loss
from medad.errors import MedadError


@dataclass(frozen=True)
class FAnoGanParameters:
    """Keys of ``detectors.fanogan``.

    ``resolution``: side of the images the networks see, a multiple of 16 from 32. ``latent``: of
    the normal distribution the generator draws from. ``epochs``: passes over the K images to train
    the GAN, ``encoder_epochs`` the encoder; a step takes min(``batch``, K) images. The critic is
    trained at every step, the generator at every ``n_critic``-th, which ``critic_count`` counts
    from the start of the ``run``, or anew from the start of every ``epoch``, as the public code:
    then, K being at most ``batch``, it is trained at every step. ``penalty``: lambda of the
    gradient penalty. ``kappa``: weight of the critic's features in the loss of the encoder and in
    the score. ``learning_rate``, ``beta1``: of Adam. ``legacy``: with three mistakes of the public
    code, see ``medad.detectors.fanogan_networks.networks``.
    """

    resolution: int
    latent: int
    epochs: int
    encoder_epochs: int
    batch: int
    n_critic: int
    critic_count: Literal["epoch", "run"]
    penalty: float
    kappa: float
    learning_rate: float
    beta1: float
    legacy: bool

    def __post_init__(self) -> None:
        if self.resolution < 32 or self.resolution % 16:
            # At 16 a batch norm would see one value of an image, which is no statistic.
            raise MedadError(f"resolution: got {self.resolution}, allowed: multiples of 16 from 32")
        require.counts(self, "latent", "epochs", "encoder_epochs", "batch", "n_critic")
        require.one_of(self, critic_count=("epoch", "run"))
        require.zero_or_more(self, "penalty", "kappa")
        require.above_zero(self, "learning_rate")
        if not 0 <= self.beta1 < 1:
            raise MedadError(f"beta1: got {self.beta1}, allowed: 0 or more, below 1")


class FAnoGan:
    """A detector; see ``medad.detectors.images.ImageDetector`` for its methods.

    With f the critic's features, the encoder E minimises MSE(x, G(E(x))) + kappa * MSE(f(x),
    f(G(E(x)))) (the izi_f architecture) while the generator G and the critic stay as they were
    trained, in evaluation mode; the score of an image is the same expression.
    """

    def __init__(self, params: FAnoGanParameters, device: str = "cpu") -> None:
        self.params = params
        self.device = device
        self.modules: dict[str, nn.Sequential] = {}
        self.curves: dict[str, Tensor] = {}

    @classmethod
    def of(cls, params: Mapping[str, Any], device: str = "cpu") -> Self:
        """From a mapping with the keys of ``FAnoGanParameters``."""
        return cls(FAnoGanParameters(**taken(FAnoGanParameters, params)), device)

    def fit(self, images: Images, training: Training) -> None:
        """Train the GAN, then the encoder, each to its last epoch."""
        real = to_pixels(images, self.params.resolution, self.device)
        with training.seeded("networks"):
            modules = {name: net.to(self.device) for name, net in self._networks().items()}
        curves = self._train_gan(modules, real, training)
        curves |= self._train_encoder(modules, real, training)
        frozen(modules)
        self.modules, self.curves = modules, curves

    def _networks(self) -> dict[str, nn.Sequential]:
        return networks(self.params.latent, self.params.resolution, self.params.legacy)

    def _adam(self, module: nn.Module) -> torch.optim.Adam:
        return adam([module], self.params.learning_rate, self.params.beta1)

    def _train_gan(
        self, modules: dict[str, nn.Sequential], real: Tensor, training: Training
    ) -> dict[str, Tensor]:
        params = self.params
        parts = {name: modules[name].train() for name in ("generator", "critic")}
        generator, critic = parts["generator"], parts["critic"]
        optimizers = {name: self._adam(module) for name, module in parts.items()}
        epochs = Epochs(training, "gan", len(real), params.batch, params.epochs)
        counted = epochs.each if params.critic_count == "epoch" else epochs.steps

        def step(index: int) -> dict[str, float]:
            x = real[epochs.images(index)]
            trained = index % counted % params.n_critic == 0
            # One draw serves both, as in the public code.
            with torch.set_grad_enabled(trained):
                fake = generator(torch.randn(len(x), params.latent, device=self.device))
            mix = torch.rand(len(x), 1, 1, 1, device=self.device)
            loss, penalty = critic_loss(critic, x, fake.detach(), mix, params.penalty)
            descend(optimizers["critic"], loss)
            values = {"critic": loss.item(), "penalty": penalty.item()}
            if trained:
                loss = generator_loss(critic, fake)
                descend(optimizers["generator"], loss)
                values["generator"] = loss.item()
            return values

        return run(training, "gan", parts, optimizers, step, epochs.steps)

    def _train_encoder(
        self, modules: dict[str, nn.Sequential], real: Tensor, training: Training
    ) -> dict[str, Tensor]:
        params = self.params
        frozen({name: modules[name] for name in ("generator", "critic")})
        encoder = modules["encoder"].train()
        optimizers = {"encoder": self._adam(encoder)}
        epochs = Epochs(training, "encoder", len(real), params.batch, params.encoder_epochs)

        def step(index: int) -> dict[str, float]:
            x = real[epochs.images(index)]
            pixels, features = _residuals(modules, x)
            loss = pixels.mean() + params.kappa * features.mean()
            descend(optimizers["encoder"], loss)
            return {"pixels": pixels.mean().item(), "features": features.mean().item()}

        return run(training, "encoder", {"encoder": encoder}, optimizers, step, epochs.steps)

    @torch.no_grad()
    def score(self, images: Images) -> Scores:
        """The encoder's loss of every image; maps are its first term, (resolution, resolution).

        A map has at each pixel the squared residual, of values in [-1, 1], averaged over channels.
        """
        scores, maps = [], []
        for image in images:
            x = to_pixels(image[None], self.params.resolution, self.device)
            pixels, features = _residuals(self._fitted("score"), x)
            scores.append(
                float(pixels.double().mean() + self.params.kappa * features.double().mean())
            )
            maps.append(pixels[0].mean(0).cpu().numpy())
        return Scores(np.array(scores, np.float64), np.stack(maps))

    @torch.no_grad()
    def reconstruct(self, images: Images) -> Images:
        """What the networks make of N images: uint8 (N, resolution, resolution, 3)."""
        modules = self._fitted("reconstruct")
        parts = []
        for image in images:
            x = to_pixels(image[None], self.params.resolution, self.device)
            parts.append(to_images(modules["generator"](modules["encoder"](x))))
        return np.concatenate(parts)

    def _fitted(self, purpose: str) -> dict[str, nn.Sequential]:
        if not self.modules:
            raise RuntimeError(f"fit or load_state comes before {purpose}")
        return self.modules

    def state(self) -> dict[str, Tensor]:
        """Weights and statistics of ``generator``, ``critic`` and ``encoder``, and the curves.

        ``history/critic``, ``history/penalty``: a value a step of the GAN; ``history/generator``: a
        value a step of the generator; ``history/pixels``, ``history/features``: of the encoder.
        """
        if not self.modules:
            raise RuntimeError("fit comes before state")
        return collect(self.modules, self.curves)

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Restore ``state()``; MedadError when it is another detector's."""
        self.modules, self.curves = restore(self._networks, state, self.device, "f-AnoGAN")


def _residuals(modules: Mapping[str, nn.Sequential], x: Tensor) -> tuple[Tensor, Tensor]:
    """Squared residuals of the pixels (N, 3, h, w) and of the critic's features (N, F)."""
    features = modules["critic"][0]
    again = modules["generator"](modules["encoder"](x))
    return (x - again).square(), (features(x) - features(again)).square()
