"""How far the patches of the shots are from a coreset, against its size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from matplotlib.ticker import FuncFormatter, NullFormatter
from numpy.typing import NDArray

from medad.backbones.checkpoint import load
from medad.backbones.feature_cache import extract
from medad.data.frame import Frame
from medad.detectors.grid import stacked
from medad.errors import MedadError
from medad.files import read_csv
from medad.neighbors.coreset import greedy
from medad.neighbors.search import nearest
from medad.reporting.events import draws
from medad.reporting.examples import place
from medad.reporting.figure import MARKERS, PALETTE, Page, style
from medad.room import Room
from medad.seeds import derive
from medad.shot_counts import text
from medad.task import Task

# Of all patches; evenly spaced on the log axis.
RATIOS = np.geomspace(0.01, 1.0, 21)
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Curve:
    """One method: covering radii (draws, len(RATIOS)) relative to that of one patch, and the ratio
    that the method itself keeps."""

    method: str
    radii: Array
    kept: float


def covering_radii(features: NDArray[np.float32], start: int, ratios: Array) -> Array:
    """Largest distance of a feature to its nearest chosen one, over that with ``start`` alone.

    ``features`` (N, D). For every ratio ``max(1, round(ratio N))`` features are kept, as PatchCore
    does. In the greedy order the next choice is the farthest from all before it, so its distance
    to them is the radius of the coreset without it. Raises MedadError when all features are equal.
    """
    counts = [max(1, round(ratio * len(features))) for ratio in ratios.tolist()]
    order = greedy(features, min(len(features), max(counts) + 1), start)
    chosen = torch.from_numpy(np.ascontiguousarray(features[order]))

    def radius(count: int) -> float:
        if count >= len(chosen):
            return 0.0  # every feature is chosen
        return float(nearest(chosen[count : count + 1], chosen[:count], 1)[0])

    scale = radius(1)
    if not scale > 0:
        raise MedadError("figure: all patches of the shots are the same; nothing to cover")
    return np.array([radius(count) for count in counts]) / scale


def enough(curve: Curve, radius: float) -> float:
    """The least of RATIOS whose mean radius is at most ``radius``."""
    return float(RATIOS[int(np.argmax(curve.radii.mean(axis=0) <= radius))])


def draw(task: Task) -> bytes:
    """PNG of every method's trunk on the shots of every draw at one K.

    The first patch is the one that the draw's head begins with.
    """
    params, curves = task.params, []
    for number, method in enumerate(params["methods"]):
        detector, found = params["detector"][method], []
        for k, r in draws(task):
            place_ = {"dataset": task.identity["dataset"], "split": task.identity["split"]}
            seed = derive(int(params["seed"]), {**place_, "k": k, "r": r}, "head")
            task.seeds[f"head/k{text(k)}/r{r}"] = seed
            patches = _patches(task, f"{method}/k{text(k)}/r{r}", f"k{text(k)}/r{r}", detector)
            start = int(np.random.default_rng(seed).integers(len(patches)))
            found.append(covering_radii(patches, start, RATIOS))
        curves.append(Curve(method, np.stack(found), float(detector["coreset"])))
        task.report(number + 1, len(params["methods"]), "methods")
    return render(f"{params['title']}: {place(task)}", curves)


def _patches(
    task: Task, trunk: str, shots: str, detector: Mapping[str, Any]
) -> NDArray[np.float32]:
    """Patch features of the shots of one draw, as a head is fitted to them."""
    images = [(row["path"], row["sha256"]) for row in read_csv(task.inputs[f"shots/{shots}"])]
    layers = tuple(detector["layers"])
    root, frame = task.locations["images"], Frame.of(task.params)
    room = Room(task.memory, task.scratch)
    network = load(task.inputs[f"trunk/{trunk}"])
    pyramid = extract(network, root, images, frame, layers, task.device, room)
    return stacked(pyramid, layers, int(detector["pool"]), room)


def render(title: str, curves: Sequence[Curve]) -> bytes:
    """PNG bytes; the first curve is what the others are measured by."""
    note = (
        "Radius: largest distance of a patch to its nearest kept one, over that with the first "
        "patch alone, so that trunks compare.\nLine: mean over draws. Band: least to largest."
    )
    with style():
        page = Page(7.4, 4.4, title, note)
        axis = page.axes(0.65, 0.5, 4.6, 3.0)
        base = curves[0]
        own = float(np.interp(np.log(base.kept), np.log(RATIOS), base.radii.mean(axis=0)))
        axis.axhline(own, color="#999999", lw=0.8, ls=":")
        axis.axvline(base.kept, color="#999999", lw=0.8, ls=":")
        for number, curve in enumerate(curves):
            colour, marker = PALETTE[number % len(PALETTE)], MARKERS[number % len(MARKERS)]
            needed = enough(curve, own)
            label = f"{curve.method}\n  reaches {own:.3f} with {needed:.1%}"
            mean = curve.radii.mean(axis=0)
            axis.plot(RATIOS, mean, color=colour, marker=marker, ms=3.5, lw=1.2, label=label)
            low, high = curve.radii.min(axis=0), curve.radii.max(axis=0)
            axis.fill_between(RATIOS, low, high, color=colour, alpha=0.2, lw=0)
        axis.set_xscale("log")
        ticks = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0]
        axis.set_xticks(ticks)
        axis.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0%}"))
        axis.xaxis.set_minor_formatter(NullFormatter())
        axis.set(
            xlabel="patches kept in the coreset, of all patches of the shots",
            ylabel="covering radius, relative",
            ylim=(0, None),
        )
        axis.legend(
            loc="upper left",
            bbox_to_anchor=(1.02, 1.0),
            title=(f"dotted: {base.method}\nas it is used, {base.kept:.0%}"),
            alignment="left",
        )
        return page.png()
