"""Sections of params.yaml that methods name: synthesis and stage 1."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from medad.config.base import Count, Fraction, Layer, Model, NonNegative, Positive


class Elastic(Model):
    probability: Fraction
    alpha: NonNegative
    sigma: Positive


class Grid(Model):
    probability: Fraction
    steps: Count
    limit: Fraction


class Tone(Model):
    probability: Fraction
    brightness: Fraction
    contrast: Fraction


class ConsultSynthesis(Model):
    pairs: Count
    elastic: Elastic
    grid: Grid
    flip: Fraction
    tone: Tone
    translate: Fraction
    points: Annotated[int, Field(ge=3)]
    edgy: NonNegative
    radius: Positive
    shape: Literal["curve", "hull"]
    scale: Annotated[list[Positive], Field(min_length=2, max_length=2)]
    inside: Fraction
    fill: Literal["literal", "mu_sigma"]
    base: Literal["any", "original"]

    @model_validator(mode="after")
    def _scale_is_a_range(self) -> ConsultSynthesis:
        if not self.scale[0] <= self.scale[1] <= 1:
            raise ValueError("scale must be [low, high] with low <= high <= 1")
        return self


class TestImages(Model):
    unmasked: Literal["drop", "keep"]


class Synthesis(Model):
    consult: ConsultSynthesis
    test_images: TestImages


class Tritanh(Model):
    pull: Positive
    push: Positive
    m0: float
    m1: float


class Anchor(Model):
    pull: Positive
    push: Positive
    margin: float


class ConsultStage1(Model):
    epochs: Annotated[int, Field(ge=0)]
    steps_per_epoch: Count
    healthy: Count
    anomalous: Count
    learning_rate: Positive
    trainable: Literal["all", "attention"]
    activation: Literal["leaky_relu", "relu"]
    slope: NonNegative
    attention: Literal["block", "stage", "none"]
    placement: Literal["post_add", "pre_add"]
    attention_init: Literal["identity", "ordinary", "reference"]
    layers: Annotated[list[Layer], Field(min_length=1)]
    grid: Layer
    pool: Count
    normalise: bool
    distance: Literal["aligned", "nearest", "nearest_shots", "global"]
    squared: bool
    distance_scale: Literal["none", "initial"]
    push: Literal["mask", "all"]
    coverage: Fraction
    pull_background: bool
    contrast: Literal["tritanh", "anchor", "none"]
    tritanh: Tritanh
    anchor: Anchor
    similarity: Literal["l2", "squared", "none"]
    similarity_weight: NonNegative
    koleo: Literal["norm", "nearest", "none"]
    koleo_on: Literal["pooled", "anchor_patches"]
    koleo_weight: NonNegative
    interpolate: Fraction
    precision: Literal["float32", "bfloat16"]

    @model_validator(mode="after")
    def _consistent(self) -> ConsultStage1:
        if self.grid not in self.layers:
            raise ValueError(f"grid must be one of layers {self.layers}")
        if self.trainable == "attention" and self.attention == "none":
            raise ValueError("trainable: attention needs attention: block or stage")
        return self


class SupervisedStage1(Model):
    epochs: Annotated[int, Field(ge=0)]
    steps_per_epoch: Count
    batch: Annotated[int, Field(ge=2, multiple_of=2)]
    learning_rate: Positive
    depth: Literal[3, 4]
    activation: Literal["relu", "leaky_relu"]
    slope: NonNegative


class Stage1(Model):
    consult: ConsultStage1
    classification: SupervisedStage1
    segmentation: SupervisedStage1
