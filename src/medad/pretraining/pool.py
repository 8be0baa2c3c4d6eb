"""The images of one draw on the training device, and the batches drawn from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from medad.backbones.preprocess import normalise
from medad.backbones.spec import Normalisation
from medad.errors import MedadError
from medad.files import read_npz


@dataclass(frozen=True)
class Pool:
    """Normalised images (n, 3, H, W) float32 and masks (N, 1, H, W) in {0, 1}.

    ``normal``: D_G, the ``shots`` originals first and then their augmented copies;
    ``anomalous``: D_B, with ``masks`` of the lesions.
    """

    normal: Tensor
    shots: int
    anomalous: Tensor
    masks: Tensor

    @classmethod
    def of(
        cls,
        arrays: Mapping[str, np.ndarray[Any, Any]],
        device: str,
        normalisation: Normalisation,
    ) -> Pool:
        """From the arrays of a pairs file, for a trunk that is given pixels of ``normalisation``.

        MedadError when an anchor has nothing to be set to.
        """
        originals, healthy = arrays["originals"], arrays["healthy"]
        if not len(originals) or len(originals) + len(healthy) < 2 or not len(arrays["anomalous"]):
            raise MedadError(
                f"stage 1 needs a shot, a second healthy image and an anomalous one, got "
                f"{len(originals)} shots, {len(healthy)} healthy and {len(arrays['anomalous'])} "
                "anomalous; raise `pairs` of the synthesis"
            )
        normal, anomalous = (
            normalise(images, normalisation).to(device, memory_format=torch.channels_last)
            for images in (np.concatenate([originals, healthy]), arrays["anomalous"])
        )
        masks = torch.from_numpy(arrays["masks"])[:, None].float().to(device)
        return cls(normal, len(originals), anomalous, masks)

    @classmethod
    def read(cls, path: Path, device: str, normalisation: Normalisation) -> Pool:
        """From a pairs file."""
        return cls.of(read_npz(path), device, normalisation)


@dataclass(frozen=True)
class Batch:
    """Images of one step, (n, 3, H, W): ``shots`` first, then ``healthy``, then ``anomalous``.

    ``anchor``: position of the anchor image. The other shots, if any, are there to be compared
    with, not pulled. ``masks``: (``anomalous``, 1, H, W).
    """

    images: Tensor
    masks: Tensor
    anchor: int
    shots: int
    healthy: int


def draw(
    pool: Pool, rng: np.random.Generator, healthy: int, anomalous: int, *, all_shots: bool
) -> Batch:
    """One anchor among the shots, then D_G images other than the anchor, then D_B images.

    Draws are uniform and without replacement; a pool smaller than the number asked for gives all
    it has. With ``all_shots`` every shot is in the batch as a reference, so that D_G is the
    augmented images only (a shot's distance to itself is 0), unless there are none.
    """
    anchor = int(rng.integers(pool.shots))
    copies = list(range(pool.shots, len(pool.normal)))
    others = [index for index in range(pool.shots) if index != anchor]
    candidates = copies if all_shots and copies else others + copies
    chosen = _choose(rng, candidates, healthy)
    lesions = _choose(rng, range(len(pool.anomalous)), anomalous)
    shots = list(range(pool.shots)) if all_shots else [anchor]
    return Batch(
        images=torch.cat([pool.normal[[*shots, *chosen]], pool.anomalous[lesions]]),
        masks=pool.masks[lesions],
        anchor=anchor if all_shots else 0,
        shots=len(shots),
        healthy=len(chosen),
    )


def _choose(rng: np.random.Generator, candidates: Sequence[int], count: int) -> list[int]:
    return [int(i) for i in rng.choice(candidates, min(count, len(candidates)), replace=False)]
