"""What fine-tuning by classification and by segmentation share: choices, trunk and batches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal

import numpy as np
import torch
from torch import Generator, nn

from medad.backbones.resnet import Trunk, rebuild
from medad.backbones.spec import TrunkSpec
from medad.errors import MedadError
from medad.pretraining.loop import Schedule
from medad.pretraining.pool import Pool


@dataclass(frozen=True)
class SupervisedParams:
    """Choices of CONSULT section 4.3.1, which names the networks and nothing of their training.

    Adam at a constant ``learning_rate``. ``batch``: images in a step, half healthy and half
    anomalous. ``depth``: the last stage of the trunk that is trained, or the last it has if that is
    less (a published ResNet has 4; weights may hold only 3). ``activation`` and ``slope``: see
    ``medad.backbones.spec.TrunkSpec``.

    Raises MedadError for a value out of its range.
    """

    epochs: int
    steps_per_epoch: int
    batch: int
    learning_rate: float
    depth: Literal[3, 4]
    activation: Literal["relu", "leaky_relu"]
    slope: float

    def __post_init__(self) -> None:
        for name, valid, allowed in (
            ("epochs", self.epochs >= 0, "0 or more"),
            ("steps_per_epoch", self.steps_per_epoch >= 1, "1 or more"),
            ("batch", self.batch >= 2 and self.batch % 2 == 0, "2, 4, 6, ..."),
            ("learning_rate", self.learning_rate > 0, "more than 0"),
            ("depth", self.depth in (3, 4), "3 or 4"),
            ("activation", self.activation in ("relu", "leaky_relu"), "relu or leaky_relu"),
        ):
            if not valid:
                got = getattr(self, name)
                raise MedadError(f"stage1: {name}: got {got!r}, allowed {allowed}")

    @classmethod
    def of(cls, params: Mapping[str, Any]) -> SupervisedParams:
        """From plain parameters; keys of other parts of a step, such as ``seed``, are left alone.

        Raises MedadError naming the keys that are missing.
        """
        missing = [field.name for field in fields(cls) if field.name not in params]
        if missing:
            raise MedadError(f"stage1: missing {', '.join(missing)}; add them")
        return cls(**{field.name: params[field.name] for field in fields(cls)})

    @property
    def schedule(self) -> Schedule:
        """For ``medad.pretraining.loop.run``."""
        return Schedule(self.epochs, self.steps_per_epoch, self.learning_rate)


@dataclass(frozen=True)
class Chosen:
    """Positions of images of a pool: ``normal`` in its normal, ``anomalous`` in its anomalous."""

    normal: list[int]
    anomalous: list[int]


def draw(pool: Pool, rng: np.random.Generator, batch: int) -> Chosen:
    """``batch`` / 2 images of each kind, without replacement where there are that many."""
    half = batch // 2
    normal, anomalous = (
        rng.choice(count, half, replace=half > count).tolist()
        for count in (len(pool.normal), len(pool.anomalous))
    )
    return Chosen(normal, anomalous)


def sweep(pool: Pool, batch: int) -> Iterator[Chosen]:
    """Batches composed as in training that hold every image, in order; the smaller kind repeats."""
    half = batch // 2
    counts = len(pool.normal), len(pool.anomalous)
    for start in range(0, max(counts), half):
        positions = range(start, start + half)
        yield Chosen(*([position % count for position in positions] for count in counts))


def prepare(start: Trunk, params: SupervisedParams) -> Trunk:
    """A copy of ``start`` to train: its depth, activation and nothing of an attention."""
    depth = min(start.spec.depth, params.depth)
    spec = TrunkSpec(
        name=start.spec.name,
        activation=params.activation,
        slope=params.slope,
        depth=depth,
        normalisation=start.spec.normalisation,
    )
    return rebuild(start, spec, Generator())


def place(model: nn.Module, device: str) -> None:
    """To the training device, channels last: the layout CPU and GPU kernels compute in."""
    model.to(device)
    model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def finish(trunk: Trunk) -> Trunk:
    """The trunk as it is stored: on the CPU, contiguous, in eval mode."""
    trunk.to("cpu").to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    return trunk.eval()
