"""What ADFA is fitted with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self, get_args

from medad.detectors import require
from medad.detectors.keys import taken
from medad.errors import MedadError
from medad.losses.adaptation import Cost, Nearest

Mode = Literal["paper", "code"]
Operator = Literal["soft", "hard"]
Pooling = Literal["both", "average", "maximum"]
Centres = Literal["mean", "batches"]
ImageScore = Literal["maximum", "average", "divergence"]
ScoreOperator = Literal["same", "soft", "hard"]
Order = Literal["mixed", "listed"]


@dataclass(frozen=True)
class AdfaParameters:
    """Keys of ``detectors.adfa``.

    ``layers``: of the trunk, brought to the grid of the finest and concatenated in this order.
    ``pool``: odd side of the average pooling of every layer; 1 is none. ``reduction``: channels of
    the trunk to one of the descriptor. ``attention``: epsilon of equation 2. ``kernel``: odd size
    of the shared convolution, or ``adaptive`` to the channels. ``pooling``: what it sees of them.
    ``mode``: ``paper``, Euclidean distances, each image by itself; ``code``, squared ones, and the
    root of the sum as the score. ``divergence``: in mode ``code``, distances are multiplied by how
    far an image's channels are from the centres'. ``neighbors``: centres that count (K).
    ``operator``: SOFT top-k with the entropy ``epsilon``, or the hard choice. ``cost``: what makes
    SOFT top-k independent of scale, of every image, of every patch (``row``), or, in mode ``code``,
    of all images of a batch. ``centres``: of the untrained descriptor, the mean over images or over
    the means of batches. ``epochs``: 0 leaves the descriptor as it is drawn.

    Of scoring alone: ``score_operator``, the same as in training or another. ``image_score``:
    maximum or average of the map of patches, enlarged to ``side`` pixels and smoothed by ``smooth``
    of them, where 0 takes the patches as they are; or the root of the image's divergence alone.
    ``order``: of images that are scored in batches: as ``listed``, by path, which is mostly by
    class, or ``mixed``, by their content.
    """

    side: int
    layers: tuple[int, ...]
    pool: int
    reduction: int
    attention: float
    kernel: int | Literal["adaptive"]
    pooling: Pooling
    mode: Mode
    divergence: bool
    neighbors: int
    operator: Operator
    epsilon: float
    cost: Cost
    centres: Centres
    epochs: int
    batch: int
    learning_rate: float
    weight_decay: float
    score_operator: ScoreOperator = "same"
    image_score: ImageScore = "maximum"
    smooth: float = 0.0
    order: Order = "mixed"

    @classmethod
    def of(cls, params: Mapping[str, Any]) -> Self:
        """From a mapping that has these keys, and may have others."""
        return cls(**taken(cls, params))

    def __post_init__(self) -> None:
        require.distinct_layers(self.layers)
        require.one_of(
            self,
            pooling=get_args(Pooling),
            mode=get_args(Mode),
            operator=get_args(Operator),
            cost=get_args(Cost),
            centres=get_args(Centres),
            score_operator=get_args(ScoreOperator),
            image_score=get_args(ImageScore),
            order=get_args(Order),
        )
        require.counts(self, "reduction", "neighbors", "batch")
        require.above_zero(self, "epsilon", "learning_rate")
        require.zero_or_more(self, "attention", "weight_decay", "smooth", "epochs")
        if self.kernel != "adaptive" and (self.kernel < 1 or self.kernel % 2 == 0):
            raise MedadError(f"kernel: got {self.kernel}, allowed: odd sizes, or adaptive")
        if self.divergence and self.mode == "paper":
            raise MedadError("divergence: got true, allowed in mode code only; the paper has none")
        if self.cost == "batch" and self.mode == "paper":
            raise MedadError(
                "cost: got batch, allowed in mode code only; in mode paper images are scored alone"
            )

    @property
    def learned(self) -> Nearest:
        """How a patch is held against the centres in training."""
        return self._nearest(self.operator)

    @property
    def scored(self) -> Nearest:
        """How a patch is held against the centres in scoring."""
        return self._nearest(
            self.operator if self.score_operator == "same" else self.score_operator
        )

    def _nearest(self, operator: Operator) -> Nearest:
        return Nearest(
            k=self.neighbors,
            epsilon=self.epsilon if operator == "soft" else None,
            squared=self.mode == "code",
            cost=self.cost,
        )
