"""Where EfficientAD's teacher comes from: a published file, or a trunk."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from medad.backbones.checkpoint import load
from medad.backbones.weights import read_state
from medad.detectors.alterations import Views, grey, maybe_grey, view
from medad.detectors.distillation import Pictures, distil, enlarged
from medad.detectors.efficientad_parameters import EfficientADParameters
from medad.detectors.natural import NaturalImages
from medad.detectors.pdn import PatchDescription, published
from medad.detectors.training import Training
from medad.errors import MedadError
from medad.files import sha256

# Images that say what a channel's mean and deviation are; the authors take 10,000.
_VIEWS, _IMAGES = 32, 10_000
_GREY = 0.1  # probability that the images of a step of the distillation are grey


def teacher_of(
    params: EfficientADParameters,
    shots: Tensor,
    natural: NaturalImages | None,
    training: Training,
) -> tuple[PatchDescription, Mapping[str, Tensor]]:
    """A teacher in eval mode, and the curve of its training if it had one.

    ``shots``: (K, 3, side, side) in [0, 1]. Input ``teacher`` is the file of ``teacher: file``,
    input ``weights`` the trunk of ``teacher: distil``.
    """
    with training.seeded("teacher networks"):
        teacher = PatchDescription(params.size, params.channels, params.width)
    teacher.to(training.device)
    if params.teacher == "file":
        path = _pinned(training.inputs.get("teacher"), params.teacher_sha256)
        published(read_state(path), teacher, str(path))
        return teacher.eval(), {}
    if params.distil_on == "images":
        assert natural is not None
        drawn = partial(_natural_image, natural, params.side, training.device)
        seen = min(_IMAGES, len(natural.names))
    else:
        drawn, seen = partial(_view, shots, params.views), _VIEWS
    optimizer = torch.optim.Adam(
        teacher.parameters(), params.learning_rate, weight_decay=params.weight_decay
    )
    curves = distil(
        teacher,
        load(training.inputs["weights"]),
        drawn,
        seen,
        params.distil_batch,
        optimizer,
        params.distil_steps,
        training,
    )
    return teacher.eval(), curves


def _view(shots: Tensor, views: Views) -> Pictures:
    """A random view of a random shot, sometimes grey."""
    shot = int(torch.randint(len(shots), ()))
    return enlarged(maybe_grey(view(shots[shot : shot + 1], views), _GREY))


def _natural_image(images: NaturalImages, side: int, device: str) -> Pictures:
    """A random natural image, sometimes grey."""
    index = images.draw()
    sizes = (images.at(index, side).to(device), images.at(index, 2 * side).to(device))
    return Pictures(*map(grey, sizes)) if torch.rand(()) < _GREY else Pictures(*sizes)


def _pinned(path: Path | None, expected: str | None) -> Path:
    if path is None or not path.is_file():
        raise MedadError(
            f"teacher_file: {path}: no such file; place the weights of a patch description network "
            "there (the authors' or anomalib's, as safetensors or a state dict), or set teacher to "
            "distil"
        )
    if (found := sha256(path)) != expected:
        raise MedadError(f"{path}: sha256 is {found}, teacher_sha256 says {expected}; fix either")
    return path
