"""The pool of healthy and pseudo-anomalous images of one draw (CONSULT section 3.2).

D~_G are the K shots, D^_G their augmented copies, D_G both, D_B images of D_G with a spot.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from medad.errors import MedadError
from medad.synthesis.augment import augment
from medad.synthesis.brain_mask import brain_mask
from medad.synthesis.parameters import ConsultSynthesis
from medad.synthesis.spots import add_spot

Images = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class PairSet:
    """Images as uint8 (n, H, W), or (n, H, W, 3) when any shot has colour.

    ``originals`` (K, ...): D~_G. ``healthy`` (N, ...): D^_G. ``anomalous`` (N, ...): D_B.
    ``masks`` (N, H, W): 1 where a spot is, else 0. ``healthy_base`` and ``anomalous_base`` (N,):
    the shot an image comes from.
    """

    originals: Images
    healthy: Images
    anomalous: Images
    masks: Images
    healthy_base: npt.NDArray[np.int64]
    anomalous_base: npt.NDArray[np.int64]

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Field name to array, as stored."""
        return dict(vars(self))


def build_pairs(
    shots: Images,
    parameters: ConsultSynthesis,
    rng: np.random.Generator,
    report: Callable[[int, int], None] = lambda done, total: None,
) -> PairSet:
    """``parameters.pairs`` healthy and as many anomalous images from K shots.

    ``shots``: uint8 (K, H, W) or RGB (K, H, W, 3). Shots take turns as the base of healthy images;
    a spot's base is drawn from all of D_G, or from the shots (``parameters.base``). Every draw
    comes from ``rng``. ``report(done, total)`` counts the images made. Raises MedadError without
    shots or when a spot finds no place.
    """
    if not len(shots):
        raise MedadError("synthesis: got no shots, allowed: 1 or more; set runs.shots above 0")
    originals, count = without_repeated_channels(shots), parameters.pairs
    healthy_base = np.arange(count) % len(originals)
    healthy = []
    for base in healthy_base:
        healthy.append(augment(originals[base], parameters, rng))
        report(len(healthy), 2 * count)

    normal, source = [*originals], np.arange(len(originals))
    if parameters.base == "any":
        normal, source = normal + healthy, np.concatenate((source, healthy_base))
    chosen = rng.integers(0, len(normal), count)
    anomalous, masks = [], []
    for index in chosen:
        image, label = add_spot(normal[index], brain_mask(normal[index]), parameters, rng)
        anomalous.append(image)
        masks.append(label.astype(np.uint8))
        report(count + len(anomalous), 2 * count)
    return PairSet(
        originals=originals,
        healthy=np.stack(healthy),
        anomalous=np.stack(anomalous),
        masks=np.stack(masks),
        healthy_base=healthy_base.astype(np.int64),
        anomalous_base=source[chosen].astype(np.int64),
    )


def without_repeated_channels(images: Images) -> Images:
    """(n, H, W) when all images (n, H, W, 3) are grey, that is R = G = B; else as they are."""
    if images.ndim == 4 and (images == images[..., :1]).all():
        return np.ascontiguousarray(images[..., 0])
    return images
