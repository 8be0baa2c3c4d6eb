"""What a ResNet trunk is made of. Imports no torch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from medad.errors import MedadError

WIDTHS = {1: 64, 2: 128, 3: 256, 4: 512}
Normalisation = Literal["imagenet", "half"]


@dataclass(frozen=True)
class Architecture:
    """Blocks per stage, output channels per width, and the inner width of a bottleneck."""

    blocks: tuple[int, int, int, int]
    expansion: int
    inner: int


ARCHITECTURES = {
    "resnet18": Architecture((2, 2, 2, 2), 1, 1),
    "resnet50": Architecture((3, 4, 6, 3), 4, 1),
    "wide_resnet50_2": Architecture((3, 4, 6, 3), 4, 2),
}


@dataclass(frozen=True)
class TrunkSpec:
    """What a trunk is made of; it travels in the metadata of every weights file.

    ``activation``: every ReLU, or every one replaced by a LeakyReLU of this ``slope`` (CONSULT,
    section 3.2). ``attention``: a CBAM after each of the stages 1 to 3, after each of their
    blocks, or none. ``placement``: for blocks, before or after the residual addition.
    ``attention_init``: see ``medad.backbones.cbam.CBAM``. ``depth``: the last stage built, 1 to 4.
    ``normalisation``: of the pixels it is given; see ``medad.backbones.preprocess.normalise``.
    """

    name: str
    activation: Literal["relu", "leaky_relu"] = "relu"
    slope: float = 0.01
    attention: Literal["none", "stage", "block"] = "none"
    placement: Literal["pre_add", "post_add"] = "post_add"
    attention_init: Literal["identity", "ordinary", "reference"] = "identity"
    depth: int = 3
    normalisation: Normalisation = "imagenet"

    def __post_init__(self) -> None:
        _choice("name", self.name, ARCHITECTURES)
        _choice("activation", self.activation, ("relu", "leaky_relu"))
        _choice("attention", self.attention, ("none", "stage", "block"))
        _choice("placement", self.placement, ("pre_add", "post_add"))
        _choice("attention_init", self.attention_init, ("identity", "ordinary", "reference"))
        _choice("depth", self.depth, WIDTHS)
        _choice("normalisation", self.normalisation, get_args(Normalisation))

    @classmethod
    def parse(cls, fields: Mapping[str, Any]) -> TrunkSpec:
        """Specification from a file's metadata; MedadError when it is not one."""
        try:
            return cls(**fields)
        except TypeError as error:
            raise MedadError(f"not the description of a trunk: {dict(fields)}") from error


def _choice(field: str, value: object, allowed: Iterable[object]) -> None:
    if value not in (options := list(allowed)):
        raise MedadError(f"trunk {field}: got {value!r}, allowed {options}")
