"""Candidates on one development draw: train, fill the bank, score the held-out images."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from medad.backbones import checkpoint
from medad.backbones.pyramid import features
from medad.backbones.resnet import Trunk
from medad.detectors.grid import positions
from medad.detectors.patchcore import PatchCore
from medad.files import write_npz
from medad.pretraining.consult import train
from medad.pretraining.session import Session
from medad.seeds import derive
from medad.selection.lesions import add_lesion
from medad.selection.statistics import movement
from medad.synthesis.brain_mask import brain_mask
from medad.synthesis.pairs import build_pairs, without_repeated_channels
from medad.synthesis.parameters import ConsultSynthesis
from medad.synthesis.spots import add_spot

LOGGED = "bezier"
"""The family that training makes: its scores are kept, and select nothing."""


@dataclass(frozen=True)
class Candidate:
    """A reading: parameters of stage 1 and of PatchCore as in params.yaml."""

    stage1: Mapping[str, Any]
    detector: Mapping[str, Any]

    @property
    def training(self) -> dict[str, Any]:
        """What decides the training; the start is mixed with what comes of it afterwards."""
        return {key: value for key, value in self.stage1.items() if key != "interpolate"}


@dataclass(frozen=True)
class Trial:
    """``images``: uint8 (K, side, side, 3), the first ``held_out`` scored, the rest trained on.

    ``candidates``, by name, have the same ``training``, which is done once. ``identity`` names
    dataset and draw, and with ``seed`` decides every random draw: the candidate is no part of it,
    so that all candidates see the same pairs, batches, lesions and bank start. ``lesions``: for
    every held-out image and family. ``contrast``: of every family to use. ``synthesis``:
    parameters as in params.yaml. ``weights``: file of the backbone.
    """

    candidates: Mapping[str, Candidate]
    identity: Mapping[str, str | int]
    seed: int
    images: npt.NDArray[np.uint8]
    held_out: int
    lesions: int
    contrast: Mapping[str, float]
    synthesis: Mapping[str, Any]
    weights: Path
    threads: int

    def draw(self, purpose: str, **more: str | int) -> int:
        """Seed of one random draw of this development draw."""
        return derive(self.seed, {**self.identity, **more}, purpose)


def run(trial: Trial) -> dict[str, dict[str, Any]]:
    """Candidate -> scores, movement of the features, number of trained parameters; JSON values.

    ``healthy``: a score per held-out image; ``positives``: family -> image -> lesion -> score.
    On the CPU; higher is more anomalous.
    """
    torch.set_num_threads(trial.threads)
    start = checkpoint.load(trial.weights)
    held, bank = trial.images[: trial.held_out], trial.images[trial.held_out :]
    made = lesioned(trial)
    begin, adapted = adapt(trial, start, bank)
    found = {}
    for name, trunk in adapted.items():
        candidate = trial.candidates[name]
        detector = PatchCore.of(candidate.detector)
        layers, pool = detector.layers, int(candidate.detector["pool"])
        rng = np.random.default_rng(trial.draw("head"))
        detector.fit(features(trunk, bank, layers, batch=1), rng)

        def score(
            images: npt.NDArray[np.uint8], trunk: Trunk = trunk, detector: PatchCore = detector
        ) -> list[float]:
            found = detector.score(features(trunk, images, detector.layers, batch=1))
            return list(found.image.tolist())

        trained = sum(p.numel() for p in trunk.parameters() if p.requires_grad)
        found[name] = {
            "healthy": score(held),
            "positives": {family: [score(image) for image in made[family]] for family in made},
            "movement": movement(
                *(_patches(net, held, layers, pool) for net in (trunk, begin, start))
            ),
            "trained": trained if candidate.stage1["epochs"] else 0,
        }
    return found


def adapt(
    trial: Trial, start: Trunk, bank: npt.NDArray[np.uint8]
) -> tuple[Trunk, dict[str, Trunk]]:
    """The trunk at step 0, and every candidate's after training on pairs made of ``bank`` alone."""
    pairs = build_pairs(
        bank,
        ConsultSynthesis.of(trial.synthesis),
        np.random.default_rng(trial.draw("pairs")),
    )
    training = next(iter(trial.candidates.values())).training
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_npz(folder / "pairs.npz", pairs.arrays())
        session = Session(
            attention_seed=trial.draw("attention"),
            batch_seed=trial.draw("batches"),
            events=folder / "events.jsonl",
            live=folder / "live.jsonl",
            # Candidates after the first resume from it: their training is not repeated.
            partial=folder / "partial.safetensors",
            fingerprint="",
        )
        untrained = {**training, "epochs": 0, "interpolate": 1.0}
        begin = train(start, folder / "pairs.npz", untrained, session)
        adapted = {}
        for candidate, reading in trial.candidates.items():
            assert reading.training == training
            found = train(start, folder / "pairs.npz", reading.stage1, session)
            adapted[candidate] = found.trunk
    return begin.trunk, adapted


def lesioned(trial: Trial) -> dict[str, npt.NDArray[np.uint8]]:
    """Family -> (held-out images, lesions, side, side[, 3]); the same for every candidate."""
    images = without_repeated_channels(trial.images)
    synthesis = ConsultSynthesis.of(trial.synthesis)
    found: dict[str, npt.NDArray[np.uint8]] = {}
    for family in (*trial.contrast, LOGGED):
        rows = []
        for index in range(trial.held_out):
            image, brain = images[index], brain_mask(images[index])
            others = [other for position, other in enumerate(images) if position != index]
            seeds = [
                trial.draw("lesion", family=family, image=index, lesion=number)
                for number in range(trial.lesions)
            ]
            rows.append(
                [
                    add_spot(image, brain, synthesis, rng)[0]
                    if family == LOGGED
                    else add_lesion(image, brain, family, trial.contrast[family], others, rng)[0]
                    for rng in map(np.random.default_rng, seeds)
                ]
            )
        found[family] = np.array(rows, np.uint8)
    return found


def _patches(
    trunk: Trunk, images: npt.NDArray[np.uint8], layers: tuple[int, ...], pool: int
) -> Tensor:
    """(n, C): what the detector sees at every position of ``images``."""
    grids = positions(features(trunk, images, layers, batch=1), layers, pool, "cpu")
    return torch.cat([grid.flatten(1).T for grid in grids])
