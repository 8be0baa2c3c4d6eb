"""CONSULT's loss (equation 7) on the features of one batch."""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from medad.errors import MedadError
from medad.losses.anchor import anchor
from medad.losses.distances import Kind, distance, lesion_coverage
from medad.losses.koleo import koleo_nearest, koleo_norm
from medad.losses.self_similarity import l2_self_similarity, squared_self_similarity
from medad.losses.tritanh import tritanh
from medad.pretraining.parameters import ConsultParams
from medad.pretraining.pool import Batch


def distances(features: Tensor, batch: Batch, params: ConsultParams) -> tuple[Tensor, Tensor]:
    """d_pull and d_push, scalars >= 0, of ``features`` (n, C, h, w), one row an image of ``batch``.

    D_G is pulled and D_B pushed, each a mean over images of the mean over an image's positions
    (section 3.3). An image whose lesion covers no position enough does not count.
    """
    healthy = features[batch.shots : batch.shots + batch.healthy]
    anomalous = features[batch.shots + batch.healthy :]
    covered = lesion_coverage(batch.masks[:, 0], (features.shape[2], features.shape[3]))
    kind: Kind
    if params.distance == "nearest_shots":
        kind, reference = "nearest", features[: batch.shots].transpose(0, 1).flatten(1).T
    else:
        kind, reference = params.distance, features[batch.anchor]

    def mean_distance(images: Tensor, selected: Tensor | None) -> Tensor:
        return distance(
            images,
            reference,
            kind=kind,
            squared=params.squared,
            channels="sum" if params.normalise else "mean",
            selected=selected,
        )

    pulled, where = healthy, None
    if params.pull_background:
        everywhere = torch.ones_like(healthy[:, 0], dtype=torch.bool)
        pulled, where = features[batch.shots :], torch.cat([everywhere, covered == 0])
    pushed = covered > params.coverage if params.push == "mask" else None
    return mean_distance(pulled, where), mean_distance(anomalous, pushed)


def initial_scale(features: Tensor, batch: Batch, params: ConsultParams) -> float:
    """d_push of the first step, by which ``distance_scale: initial`` divides both distances.

    One divisor for both keeps their ratio. Raises MedadError when it is 0.
    """
    scale = distances(features, batch, params)[1].item()
    if not scale > 0:
        raise MedadError(
            "stage1.consult.distance_scale: d_push is 0 at the first step, no lesion covers a "
            "position; lower coverage, take a finer grid, or set distance_scale: none"
        )
    return scale


def terms(
    features: Tensor, batch: Batch, params: ConsultParams, scale: float, generator: Generator
) -> tuple[dict[str, Tensor], dict[str, float]]:
    """Weighted terms that are on, whose sum is the loss, and the numbers to log.

    ``features``: (n, C, h, w). ``scale``: what both distances are divided by, also as
    logged. ``generator`` samples patches for the self-similarity of large grids. Logged are
    also the mean length of the anchor's features and their spread, the root mean square distance
    to their mean.
    """
    pull, push = (d / scale for d in distances(features, batch, params))
    patches = features[batch.anchor].flatten(1).T
    weighted: dict[str, Tensor] = {}
    for name in params.terms():
        if name == "contrast":
            weighted[name] = _contrast(pull, push, params)
        elif name == "similarity":
            weighted[name] = params.similarity_weight * _similarity(patches, params, generator)
        else:
            on = patches if params.koleo_on == "anchor_patches" else features.mean((2, 3))
            koleo = koleo_norm if params.koleo == "norm" else koleo_nearest
            weighted[name] = params.koleo_weight * koleo(on)
    with torch.no_grad():
        logged = {
            "d_pull": pull.item(),
            "d_push": push.item(),
            "length": patches.norm(dim=1).mean().item(),
            "spread": patches.var(0, correction=0).sum().sqrt().item(),
        }
    return weighted, logged


def _contrast(pull: Tensor, push: Tensor, params: ConsultParams) -> Tensor:
    if params.contrast == "tritanh":
        t = params.tritanh
        return tritanh(pull, push, pull=t.pull, push=t.push, m0=t.m0, m1=t.m1)
    a = params.anchor
    return anchor(pull, push, pull=a.pull, push=a.push, margin=a.margin)


def _similarity(patches: Tensor, params: ConsultParams, generator: Generator) -> Tensor:
    if params.similarity == "squared":
        return squared_self_similarity(patches)
    return l2_self_similarity(patches, generator)
