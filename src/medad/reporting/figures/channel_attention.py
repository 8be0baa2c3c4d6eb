"""What ADFA's attention says of the channels of healthy and of anomalous images."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from medad.backbones.checkpoint import load
from medad.backbones.feature_cache import extract
from medad.data.frame import Frame
from medad.detectors.adfa import Adfa
from medad.evaluation.scores import read_scores
from medad.files import read_safetensors
from medad.reporting.examples import place, single_draw
from medad.reporting.figure import PALETTE, Page, style
from medad.task import Task

_TOGETHER = 16  # images whose features are in memory at once
Gates = NDArray[np.float32]  # (images, channels), in (0, 1)


def draw(task: Task) -> bytes:
    """PNG of the attention of one draw's head on all test images."""
    params, where = task.params, f"{task.params['methods'][0]}/{single_draw(task)}"
    scores = read_scores(task.inputs[f"scores/{where}"])
    test = scores.take(scores.rows("test"))
    frame = Frame.of(params)
    detector = Adfa.of({**params["detector"][params["methods"][0]], "side": frame.side})
    detector.load_state(read_safetensors(task.inputs[f"head/{where}"])[0])
    trunk = load(task.inputs[f"trunk/{where}"])
    images = list(zip(test.path.tolist(), test.sha256.tolist(), strict=True))
    found = []
    for start in range(0, len(images), _TOGETHER):
        some = images[start : start + _TOGETHER]
        root = task.locations["images"]
        found.append(
            detector.gates(extract(trunk, root, some, frame, detector.layers, task.device))
        )
        task.report(start + len(some), len(images), "images")
    gates = np.concatenate(found)
    title = f"{params['title']}: {place(task)}"
    weight = float(detector.params.attention)
    return render(title, gates[test.label == 0], gates[test.label != 0], weight)


def render(title: str, healthy: Gates, anomalous: Gates, weight: float) -> bytes:
    """PNG bytes; channels in the order of their mean over the healthy images."""
    order = np.argsort(healthy.mean(axis=0), kind="stable")
    gap = np.abs(healthy.mean(axis=0) - anomalous.mean(axis=0))
    note = (
        f"Line: mean over images; band: least to largest.\nThe means differ by {gap.max():.3f} at "
        f"most, which times epsilon = {weight:g} is {weight * gap.max():.4f} of a channel."
    )
    with style():
        page = Page(6.2, 3.5, title, note)
        axis = page.axes(0.65, 0.5, 5.2, 2.3)
        for name, gates, colour in (
            ("healthy", healthy, PALETTE[0]),
            ("anomalous", anomalous, PALETTE[1]),
        ):
            ordered = gates[:, order]
            at = np.arange(len(order))
            axis.fill_between(at, ordered.min(0), ordered.max(0), color=colour, alpha=0.2, lw=0)
            axis.plot(at, ordered.mean(0), color=colour, lw=1.2, label=f"{name}, {len(gates)}")
        axis.set(xlabel="channel, by its mean over the healthy images", ylabel="attention A")
        axis.set_xlim(0, max(1, len(order) - 1))
        axis.grid(axis="y")
        axis.legend(loc="upper left")
        return page.png()
