"""Trained again with the method's own seeds, checked against its artifact, measured by the mask."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml

from medad.backbones import checkpoint, weights
from medad.backbones.pyramid import embed
from medad.errors import MedadError
from medad.files import write_npz
from medad.reporting.figures import attention
from medad.reporting.figures.attention import Example, contrast, draw, render, stops
from medad.steps import stage1
from medad.task import Task

SIDE = 32
SHIPPED = yaml.safe_load((Path(__file__).parents[3] / "params.yaml").read_text())
PARAMS = {
    **SHIPPED["stage1"]["consult"],
    "epochs": 2,
    "healthy": 2,
    "anomalous": 2,
    "attention": "block",
    "attention_init": "identity",
    "seed": 0,
    "side": SIDE,
    "synthesis": "consult",
    "implementation": "medad.pretraining.consult:train",
}
Inches = Callable[[bytes], tuple[float, float]]


@pytest.fixture(autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def task(make_task: Callable[..., Task], tmp_path: Path) -> Task:
    """A figure task whose trunk the stage-1 step made."""
    rng = np.random.default_rng(0)
    shapes: dict[str, Any] = {"originals": 2, "healthy": 3, "anomalous": 3}
    arrays = {n: rng.integers(0, 256, (c, SIDE, SIDE), np.uint8) for n, c in shapes.items()}
    masks = np.zeros((3, SIDE, SIDE), np.uint8)
    masks[:, :16, :16] = 1
    write_npz(tmp_path / "pairs.npz", arrays | {"masks": masks})
    checkpoint.save(tmp_path / "start.safetensors", weights.random("resnet18", 0), {})
    made = make_task(methods=["consult"], stage1={"consult": PARAMS}, epochs=[0.0, 0.5, 1.0])
    place = {"dataset": "phantom", "split": "grouped"}
    stage1.run(
        replace(
            made,
            kind="stage1",
            identity={**place, "method": "consult", "k": 4, "r": 0},
            params=PARAMS,
            inputs={"pairs": tmp_path / "pairs.npz", "weights": tmp_path / "start.safetensors"},
            outputs={"weights": tmp_path / "trunk.safetensors", "events": tmp_path / "e.jsonl"},
            seeds={},
        )
    )
    inputs = {
        **made.inputs,
        "weights": tmp_path / "start.safetensors",
        "pairs/consult/k4/r0": tmp_path / "pairs.npz",
        "trunk/consult/k4/r0": tmp_path / "trunk.safetensors",
    }
    return replace(made, inputs=inputs)


def test_the_full_training_is_the_artifact_and_a_shorter_one_is_not(task: Task) -> None:
    artifact = checkpoint.load(task.inputs["trunk/consult/k4/r0"])
    attention.require_same(attention.trained_again(task, "consult", 2), artifact, "t")
    with pytest.raises(MedadError, match="another machine, device or number of threads"):
        attention.require_same(attention.trained_again(task, "consult", 1), artifact, "t")
    assert set(task.seeds) == {"batches", "attention"}


def test_the_figure_of_another_training_is_refused(task: Task) -> None:
    other = replace(task, params={**task.params, "seed": 1, "stage1": {
        "consult": {**PARAMS, "seed": 1}}})  # fmt: skip
    with pytest.raises(MedadError, match="training again came to other"):
        draw(other)
    unknown = {"consult": {**PARAMS, "implementation": "medad.x:train"}}
    with pytest.raises(MedadError, match="is trained by medad"):
        draw(replace(task, params={**task.params, "stage1": unknown}))


def test_what_is_drawn(task: Task, monkeypatch: pytest.MonkeyPatch, inches: Inches) -> None:
    seen: dict[str, Any] = {}

    def keep(title: str, epochs: Any, examples: Any, contrasts: Any) -> bytes:
        seen.update(epochs=epochs, examples=examples, contrasts=contrasts)
        return render(title, epochs, examples, contrasts)

    monkeypatch.setattr(attention, "render", keep)
    content = draw(task)
    assert content == draw(task)
    inches(content)
    assert seen["epochs"] == [0, 1, 2]
    assert [e.caption.split(",")[0] for e in seen["examples"]] == ["anomalous"] * 2 + ["healthy"]
    (ratios,) = seen["contrasts"]  # one image has a mask
    masked = next((e for e in seen["examples"] if e.mask is not None), None)
    if masked is not None:
        np.testing.assert_allclose(ratios, contrast(masked.activations, masked.mask))
    # Of the last epoch, layer 1 by hand.
    trunk = checkpoint.load(task.inputs["trunk/consult/k4/r0"])
    example = seen["examples"][0]
    output = embed(trunk, example.image[None], (1,), "cpu")[1][0].mean(0).numpy()
    last = example.activations[-1, 0]
    assert last.mean() == pytest.approx(1.0, abs=1e-5)
    cells = last.reshape(8, 4, 8, 4).mean(axis=(1, 3))
    assert np.corrcoef(cells.ravel(), output.ravel())[0, 1] > 0.9


def test_contrast_is_a_ratio_of_means() -> None:
    mask = np.zeros((4, 4), np.bool_)
    mask[0] = True
    maps = np.ones((2, 3, 4, 4), np.float32)
    maps[1, 2, 0] = 3.0
    expected = np.ones((2, 3))
    expected[1, 2] = 3.0
    np.testing.assert_allclose(contrast(maps, mask), expected)


@pytest.mark.parametrize(
    ("epochs", "expected"), [(50, [0, 12, 25, 50]), (2, [0, 1, 2]), (1, [0, 1]), (0, [0])]
)
def test_stops(epochs: int, expected: list[int]) -> None:
    assert stops([0.0, 0.25, 0.5, 1.0], epochs) == expected


def test_without_a_mask_there_are_maps_and_no_curve(inches: Inches, odd: str) -> None:
    image = np.zeros((8, 8, 3), np.uint8)
    flat = np.ones((1, 3, 8, 8), np.float32)
    inches(render(odd, [0], [Example(odd, image, None, flat)], []))
