"""The attention of a fitted head on its test images."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from medad.backbones.checkpoint import save
from medad.backbones.feature_cache import extract
from medad.backbones.resnet import build
from medad.backbones.spec import TrunkSpec
from medad.data.frame import Frame
from medad.detectors.adfa import Adfa
from medad.detectors.training import Training
from medad.evaluation.scores import read_scores
from medad.files import write_safetensors
from medad.reporting.figures.channel_attention import draw, render
from medad.task import Task

Inches = Callable[[bytes], tuple[float, float]]
DEFAULTS = yaml.safe_load((Path(__file__).parents[3] / "params.yaml").read_text())["detectors"]
PARAMS = {**DEFAULTS["adfa"], "epochs": 1, "reduction": 32}


def test_it_is_of_the_heads_own_gates(make_task: Callable[..., Task], inches: Inches) -> None:
    made = make_task(methods=["consult"], detector={"consult": PARAMS})
    folder, weights = made.scratch, made.scratch / "trunk.safetensors"
    save(weights, build(TrunkSpec("resnet18"), torch.Generator().manual_seed(0)), {})
    scores = read_scores(made.inputs["scores/consult/k4/r0"])
    images = list(zip(scores.path.tolist(), scores.sha256.tolist(), strict=True))
    trunk = build(TrunkSpec("resnet18"), torch.Generator().manual_seed(0))
    pyramid = extract(trunk, folder, images, Frame(32), (1, 2, 3), "cpu")
    detector = Adfa.of({**PARAMS, "side": 32})
    detector.fit(pyramid, Training(0, folder, ""))
    write_safetensors(folder / "head.safetensors", detector.state(), {})
    inputs = {
        **made.inputs,
        "head/consult/k4/r0": folder / "head.safetensors",
        "trunk/consult/k4/r0": weights,
    }
    task = replace(made, inputs=inputs)
    content = draw(task)
    assert content == draw(task)
    gates = detector.gates(pyramid)
    assert gates.shape == (8, 14)
    assert ((gates > 0) & (gates < 1)).all()
    title = f"{task.params['title']}: phantom, split grouped, K = 4, draw 0"
    test, label = scores.rows("test"), scores.label
    healthy, anomalous = (gates[test[label[test] == value]] for value in (0, 1))
    assert content == render(title, healthy, anomalous, 0.1)
    assert inches(content) == pytest.approx((6.2, 3.5))


def test_gates_are_equation_1(make_task: Callable[..., Task]) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        detector = Adfa.of({**PARAMS, "side": 32, "layers": [1], "reduction": 2, "pool": 1})
        pyramid = {1: torch.rand(2, 8, 4, 4)}
        detector.fit(pyramid, Training(0, make_task().scratch, ""))
    state = {name: tensor.double().numpy() for name, tensor in detector.state().items()}
    rows, columns = np.mgrid[:4, :4] / 1.5 - 1
    places = np.stack([rows.ravel(), columns.ravel()], 1)
    kernel = state["descriptor/attend.weight"].ravel()
    for number, image in enumerate(pyramid[1].double().numpy()):
        features = np.concatenate([image.reshape(8, -1).T, places], 1)
        reduced = features @ state["descriptor/reduce.weight"].T + state["descriptor/reduce.bias"]
        half = len(kernel) // 2
        logits = np.zeros(4)
        for pooled in (reduced.max(0), reduced.mean(0)):
            padded = np.pad(pooled, half)
            logits += [padded[c : c + len(kernel)] @ kernel for c in range(4)]
        assert detector.gates(pyramid)[number] == pytest.approx(1 / (1 + np.exp(-logits)), rel=1e-5)
