"""What layers respond to while stage 1 trains (figure 3: attention "iteratively highlights")."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from matplotlib.colors import Normalize
from numpy.typing import NDArray

from medad.backbones.checkpoint import load
from medad.backbones.pyramid import embed
from medad.backbones.pyramid import place as put
from medad.backbones.resnet import Trunk
from medad.detectors.maps import upsample
from medad.errors import MedadError
from medad.evaluation.scores import Scores
from medad.pretraining import consult
from medad.pretraining.session import Session
from medad.reporting.examples import Shown, choose, place, single_draw, tested
from medad.reporting.figure import COLOURS, MARKERS, PALETTE, Page, picture, style
from medad.seeds import derive
from medad.steps.fingerprint import fingerprint
from medad.task import Task

LAYERS = (1, 2, 3)
HITS = 3  # anomalous images shown, beside one healthy image
TRAINER = "medad.pretraining.consult:train"
CELL, GAP, LEFT, TOP = 0.8, 0.04, 0.3, 0.45  # inches
BRIGHTEST = 0.995  # quantile of the values shown in the brightest colour
Maps = NDArray[np.float32]


@dataclass(frozen=True)
class Example:
    """A test image (side, side, 3), its mask, and (epochs, 3 layers, side, side) activations."""

    caption: str
    image: NDArray[np.uint8]
    mask: NDArray[np.bool_] | None
    activations: Maps


def trained_again(task: Task, method: str, epochs: int) -> Trunk:
    """The trunk after the first ``epochs`` of a method's stage 1, with its seeds.

    Intermediate ones agree with the states that the full training goes through up to rounding: the
    steps at which gradients are also taken term by term lie elsewhere.
    """
    params = {**task.params["stage1"][method], "epochs": epochs}
    if params["implementation"] != TRAINER:
        raise MedadError(
            f"figure: {method} is trained by {params['implementation']}; allowed: {TRAINER}"
        )
    draw_ = {
        "dataset": task.identity["dataset"],
        "split": task.identity["split"],
        "k": int(task.params["shots"][0]),
        "r": int(task.params["draws"][0]),
    }
    root = int(params["seed"])
    task.seeds["batches"] = derive(root, draw_, "batches")
    task.seeds["attention"] = derive(root, {**draw_, "method": method}, "attention")
    session = Session(
        attention_seed=task.seeds["attention"],
        batch_seed=task.seeds["batches"],
        events=task.scratch / f"events-{epochs}.jsonl",
        live=task.live,
        partial=task.scratch / f"partial-{epochs}.safetensors",
        fingerprint=f"{fingerprint(task)} {epochs}",
        device=task.device,
        report=task.report,
    )
    pairs = task.inputs[f"pairs/{method}/{single_draw(task)}"]
    return consult.train(load(task.inputs["weights"]), pairs, params, session).trunk


def require_same(trunk: Trunk, artifact: Trunk, where: str) -> None:
    """MedadError unless both hold the same bits: else the figure is of another training."""
    ours, theirs = trunk.state_dict(), artifact.state_dict()
    differing = [
        name
        for name in sorted(ours.keys() | theirs.keys())
        if name not in ours or name not in theirs or not torch.equal(ours[name], theirs[name])
    ]
    if differing:
        raise MedadError(
            f"{where}: training again came to other weights ({len(differing)} tensors, the first "
            f"is {differing[0]}). That is so when it was made on another machine, device or "
            "number of threads: make it again here (delete it, run the same command), or leave "
            "the figure out"
        )


def activations(trunk: Trunk, image: NDArray[np.uint8], device: str) -> Maps:
    """(3, side, side): mean over channels of each layer's output, over its mean over the image.

    1 is the image's average; upsampled bilinearly. ``image``: uint8 (side, side, 3).
    """
    outputs = embed(trunk, image[None], LAYERS, device)
    maps = [upsample(outputs[layer].mean(1).numpy(), image.shape[0], 0.0)[0] for layer in LAYERS]
    return np.stack([one / one.mean() for one in maps])


def contrast(maps: Maps, mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Mean inside ``mask`` (side, side) over the mean outside, of maps (..., side, side)."""
    inside = maps[..., mask].mean(axis=-1, dtype=np.float64)
    return np.asarray(inside / maps[..., ~mask].mean(axis=-1, dtype=np.float64))


def stops(fractions: Sequence[float], epochs: int) -> list[int]:
    """Whole epochs nearest to these fractions of all, ascending, each once; all come last."""
    return sorted({round(fraction * epochs) for fraction in fractions} | {epochs})


def draw(task: Task) -> bytes:
    """PNG for one method and draw; trains again, and checks the last against the artifact.

    Shown are the method's clearest hits and the healthy image of lowest score. The curves are over
    all test images with a mask. Raises MedadError when training again comes to other weights.
    """
    (method,) = task.params["methods"]
    chosen = stops(task.params["epochs"], int(task.params["stage1"][method]["epochs"]))
    trunks = [trained_again(task, method, epochs) for epochs in chosen]
    path = task.inputs[f"trunk/{method}/{single_draw(task)}"]
    require_same(trunks[-1], load(path), path.name)
    for trunk in trunks:
        put(trunk, task.device)
    (test,) = tested(task, [method])
    shown = Shown.of(task, test)

    def respond(image: NDArray[np.uint8]) -> Maps:
        return np.stack([activations(trunk, image, task.device) for trunk in trunks])

    examples = []
    for row in _rows(test):
        kind = "anomalous" if test.label[row] else "healthy"
        caption = f"{kind}, score {test.score[row]:.3g}"
        image = shown.image(row)
        examples.append(Example(caption, image, shown.mask(row), respond(image)))
    contrasts = []
    for row in np.flatnonzero(test.label == 1).tolist():
        mask = shown.mask(row)
        if mask is not None and not mask.all():
            contrasts.append(contrast(respond(shown.image(row)), mask))
    title = f"{task.params['title']}: {method}, {place(task)}"
    return render(title, chosen, examples, contrasts)


def _rows(test: Scores) -> list[int]:
    """The clearest hits and the healthy image that looks healthiest."""
    healthy = np.flatnonzero(test.label == 0)
    hits = choose(test.label, test.group, test.score, HITS)["hits"]
    return [*hits, int(healthy[np.argmin(test.score[healthy])])]


def render(
    title: str,
    epochs: Sequence[int],
    examples: Sequence[Example],
    contrasts: Sequence[NDArray[np.float64]],
) -> bytes:
    """PNG bytes: for every example a block of layers by epochs, and below it the curves.

    ``contrasts``: (epochs, 3 layers) of every test image with a mask; none when there is no mask.
    """
    step = CELL + GAP
    block, high = 1.75 + len(epochs) * step, 3 * step + 0.5
    lines = -(-len(examples) // 2)
    chart = TOP + lines * high + 0.2
    limits = _limits(examples)
    note = (
        "Maps: mean over channels of a layer's output, over its mean over the image; a layer has "
        "one colour scale. Outline: lesion mask.\n"
        f"Curves: mean activation inside the lesion over the mean outside; mean over "
        f"{len(contrasts)} test images with a mask, band: +- one standard error."
    )
    with style():
        page = Page(max(7.6, LEFT + 2 * block + 0.55), chart + 2.75, title, note)
        for number, example in enumerate(examples):
            line, column = divmod(number, 2)
            left, top = LEFT + column * block, TOP + line * high
            _block(page, left, top, epochs, example, limits)
        for number, own in enumerate(limits):
            page.colour_bar(
                LEFT + 2 * block - 0.02, TOP + 0.32 + number * step, CELL, Normalize(*own)
            )
        _curves(page, chart, epochs, contrasts)
        return page.png()


def _limits(examples: Sequence[Example]) -> list[tuple[float, float]]:
    """Colour limits of every layer, over all images and epochs shown."""
    found = []
    for layer in range(len(LAYERS)):
        values = np.stack([example.activations[:, layer] for example in examples])
        found.append((float(values.min()), float(np.quantile(values, BRIGHTEST))))
    return found


def _block(
    page: Page,
    left: float,
    top: float,
    epochs: Sequence[int],
    example: Example,
    limits: Sequence[tuple[float, float]],
) -> None:
    step = CELL + GAP
    page.text(left, top + 0.05, example.caption)
    picture(page.axes(left, top + 0.32, 1.25, 1.25), example.image, example.mask)
    for column, epoch in enumerate(epochs):
        for number, layer in enumerate(LAYERS):
            x, y = left + 1.6 + column * step, top + 0.32 + number * step
            axis = page.axes(x, y, CELL, CELL)
            least, most = limits[number]
            values = example.activations[column, number]
            picture(axis, values, example.mask, cmap=COLOURS, vmin=least, vmax=most)
            if column == 0:
                axis.set_ylabel(f"layer {layer}")
            if number == 0:
                axis.set_title(f"epoch {epoch}", fontsize=8, pad=2.5)


def _curves(
    page: Page, top: float, epochs: Sequence[int], contrasts: Sequence[NDArray[np.float64]]
) -> None:
    axis = page.axes(LEFT + 0.4, top, 4.6, 1.75)
    axis.set(xlabel="epoch of stage 1", ylabel="inside / outside", xticks=epochs)
    axis.axhline(1.0, color="#999999", lw=0.8, ls=":")
    if not contrasts:
        axis.text(0.5, 0.6, "no test image has a mask", transform=axis.transAxes, ha="center")
        return
    values = np.stack(contrasts)
    mean = values.mean(axis=0)
    error = values.std(axis=0, ddof=min(1, len(values) - 1)) / np.sqrt(len(values))
    for number, layer in enumerate(LAYERS):
        colour, own, reach = PALETTE[number], mean[:, number], error[:, number]
        label = f"layer {layer}: {own[0]:.3f} to {own[-1]:.3f}"
        axis.plot(epochs, own, color=colour, marker=MARKERS[number], ms=4, label=label)
        axis.fill_between(epochs, own - reach, own + reach, color=colour, alpha=0.2, lw=0)
    axis.legend(
        loc="upper left", bbox_to_anchor=(1.02, 1.0), title="first to last epoch", alignment="left"
    )
