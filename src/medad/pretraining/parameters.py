"""Parameters of CONSULT's stage 1, named as in ``params.yaml`` ``stage1.consult``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, get_args, get_origin, get_type_hints

from medad.errors import MedadError


@dataclass(frozen=True)
class Tritanh:
    """Equation 3: lambda_0 is ``pull``, lambda_1 ``push``; both margins are unstated in print."""

    pull: float
    push: float
    m0: float
    m1: float


@dataclass(frozen=True)
class Anchor:
    """Equation 2: alpha_0 is ``pull``, alpha_1 ``push``; ``margin`` is m."""

    pull: float
    push: float
    margin: float


@dataclass(frozen=True)
class ConsultParams:
    """All choices of CONSULT sections 3.3 and 3.4; Adam with a constant learning rate.

    A step has one anchor, ``healthy`` images of D_G without the anchor and ``anomalous`` ones of
    D_B. ``trainable``: all weights, or those of the attention. ``activation`` to
    ``attention_init``: see ``medad.backbones.spec.TrunkSpec``. ``layers``, ``grid`` and ``pool``:
    see ``medad.backbones.pyramid.aggregate``. ``normalise``: every position's feature gets length
    1. ``distance``: to the anchor at the same position, to the nearest of its positions, to the
    nearest position of any of the K shots, or between images' mean features; ``squared`` or not.
    Unit-length features are compared by Euclidean distance (in [0, 2]), others by the mean over
    channels, as in a mean squared error.
    ``distance_scale``: ``initial`` divides both distances by what d_push is at the first step, so
    that their ratio is kept. ``push``: the positions of which more than ``coverage`` lies under
    the lesion, or all. ``pull_background``: the other positions of D_B are pulled. ``similarity``
    is equation 4, on the anchor; ``koleo`` equation 5, as printed (``norm``) or as cited
    (``nearest``), on one mean feature an image (``pooled``) or on the anchor's positions.
    ``interpolate``: a of (1 - a) start + a trained. ``precision``: of the network's forward pass.

    Raises MedadError for a choice that does not exist and for choices that contradict each other.
    """

    epochs: int
    steps_per_epoch: int
    healthy: int
    anomalous: int
    learning_rate: float
    trainable: Literal["all", "attention"]
    activation: Literal["leaky_relu", "relu"]
    slope: float
    attention: Literal["stage", "block", "none"]
    placement: Literal["post_add", "pre_add"]
    attention_init: Literal["identity", "ordinary", "reference"]
    layers: tuple[int, ...]
    grid: int
    pool: int
    normalise: bool
    distance: Literal["aligned", "nearest", "nearest_shots", "global"]
    squared: bool
    distance_scale: Literal["none", "initial"]
    push: Literal["mask", "all"]
    coverage: float
    pull_background: bool
    contrast: Literal["tritanh", "anchor", "none"]
    tritanh: Tritanh
    anchor: Anchor
    similarity: Literal["l2", "squared", "none"]
    similarity_weight: float
    koleo: Literal["norm", "nearest", "none"]
    koleo_on: Literal["pooled", "anchor_patches"]
    koleo_weight: float
    interpolate: float
    precision: Literal["float32", "bfloat16"]

    def __post_init__(self) -> None:
        for name, hint in get_type_hints(type(self)).items():
            if get_origin(hint) is Literal and (got := getattr(self, name)) not in get_args(hint):
                raise _error(name, got, ", ".join(get_args(hint)))
        if self.grid not in self.layers:
            raise _error("grid", self.grid, f"one of layers {list(self.layers)}")
        if self.trainable == "attention" and self.attention == "none":
            raise _error("trainable", "attention", "all, unless attention is block or stage")
        if self.push == "all" and self.pull_background:
            raise _error("pull_background", True, "false with push: all, which leaves nothing")
        if not self.terms():
            raise _error("contrast", "none", "a loss: all three terms are off or weigh 0")

    def terms(self) -> list[str]:
        """Terms of the loss that are on, by name."""
        switches = {
            "contrast": self.contrast != "none",
            "similarity": self.similarity != "none" and self.similarity_weight != 0,
            "koleo": self.koleo != "none" and self.koleo_weight != 0,
        }
        return [name for name, on in switches.items() if on]

    @classmethod
    def of(cls, params: Mapping[str, Any]) -> ConsultParams:
        """From plain parameters; keys of other parts of a step, such as ``seed``, are left alone.

        Raises MedadError naming the keys that are missing.
        """
        missing = [field.name for field in fields(cls) if field.name not in params]
        if missing:
            raise MedadError(f"stage1.consult: missing {', '.join(missing)}; add them")
        values = {field.name: params[field.name] for field in fields(cls)}
        nested = {
            "tritanh": Tritanh(**values["tritanh"]),
            "anchor": Anchor(**values["anchor"]),
            "layers": tuple(sorted(set(values["layers"]))),
        }
        return cls(**{**values, **nested})


def _error(name: str, got: object, allowed: str) -> MedadError:
    return MedadError(f"stage1.consult.{name}: got {got!r}, allowed {allowed}")
