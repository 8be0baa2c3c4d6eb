"""A pool that leaks on purpose: the test images themselves, as CONSULT's Table 2 trains on them.

Section 4.3.1: "the dataset used for training the classification and segmentation model is the
testing dataset used for benchmarking". No score of a method that trains on it is a test score.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from medad.data.frame import load_frame
from medad.errors import MedadError
from medad.evaluation.masks import mask_files, square_mask
from medad.files import read_parquet
from medad.synthesis.material import Material
from medad.synthesis.pairs import PairSet, without_repeated_channels

Images = npt.NDArray[np.uint8]


def build(
    material: Material,
    params: Mapping[str, Any],
    rng: np.random.Generator,
    report: Callable[[int, int], None],
) -> PairSet:
    """The shots as originals, and every other test image of the split in the split's order.

    Reads files ``split`` and ``index``. An anomalous image has its lesion mask by nearest pixel;
    one without a mask, or with one that is empty at this size, is left out (``unmasked``: drop) or
    has an empty mask (keep). A shot of this draw is no healthy test image, as in scoring. Base -1
    is no shot. Nothing is random. ``report(done, total)`` counts the images read.

    Raises MedadError for another ``unmasked``, when no healthy or no anomalous image is left, and
    for an image or mask that has changed since the index was made.
    """
    unmasked = params["unmasked"]
    if unmasked not in ("drop", "keep"):
        raise MedadError(f"synthesis.test_images.unmasked: got {unmasked!r}, allowed: drop or keep")
    split = read_parquet(material.files["split"])
    columns = (split[name] for name in ("path", "sha256", "label", "test"))
    shots = set(material.names)
    rows = [
        (path, sha256, label != 0)
        for path, sha256, label, test in zip(*columns, strict=True)
        if test and path not in shots
    ]
    files, frame = mask_files(material.files["index"]), material.frame
    healthy, anomalous, masks = [], [], []
    for number, (path, sha256, lesion) in enumerate(rows, start=1):
        mask = square_mask(material.root, files, path, frame) if lesion else None
        if not lesion:
            healthy.append(load_frame(material.root, path, sha256, frame))
        elif mask is not None or unmasked == "keep":
            anomalous.append(load_frame(material.root, path, sha256, frame))
            masks.append(np.zeros((frame.side,) * 2, np.bool_) if mask is None else mask)
        report(number, len(rows))
    _require(len(healthy), "healthy", "change the split")
    _require(
        len(anomalous),
        "anomalous" if unmasked == "keep" else "masked anomalous",
        "add masks/ to the dataset, or set synthesis.test_images.unmasked to keep, with which "
        "classification can be trained and segmentation cannot",
    )
    everything = np.concatenate((material.shots, healthy, anomalous))
    images = without_repeated_channels(everything)
    first, last = len(material.shots), len(material.shots) + len(healthy)
    return PairSet(
        originals=images[:first],
        healthy=images[first:last],
        anomalous=images[last:],
        masks=np.stack(masks).astype(np.uint8),
        healthy_base=np.full(len(healthy), -1, np.int64),
        anomalous_base=np.full(len(anomalous), -1, np.int64),
    )


def _require(count: int, what: str, remedy: str) -> None:
    if not count:
        raise MedadError(f"synthesis.test_images: the split has no {what} test image; {remedy}")
