"""Which images are shown, what the errors are, and that the picture is of the networks' making."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from medad.detectors.ganomaly import Ganomaly
from medad.detectors.training import Training
from medad.errors import MedadError
from medad.evaluation.scores import Scores
from medad.files import write_safetensors
from medad.reporting.figures.reconstructions import Row, chosen, draw, errors, render

PARAMS = {
    "resolution": 16,
    "latent": 3,
    "features": 2,
    "epochs": 1,
    "batch": 2,
    "variant": "paper",
    "adversarial": 1.0,
    "contextual": 50.0,
    "encoding": 1.0,
    "learning_rate": 2e-4,
    "beta1": 0.5,
}
GANOMALY = "medad.detectors.ganomaly:Ganomaly"


def test_images_are_chosen_by_hash_and_one_of_a_group():
    hashes = ["e", "b", "d", "a", "c"]
    test = Scores(
        path=np.array(["1", "2", "3", "4", "5"]),
        sha256=np.array(hashes),
        label=np.array([0, 0, 0, 1, 0]),
        group=np.array([1, 2, 2, 3, 4]),
        role=np.array(["test"] * 5),
        score=np.zeros(5),
    )
    assert chosen(test, 0, 4) == [1, 4, 0]  # b, c and e; d is of b's group
    assert chosen(test, 0, 1) == [1]
    assert chosen(test, 1, 4) == [3]


def test_errors_are_means_of_squares_by_class():
    images = np.zeros((3, 32, 32, 3), np.uint8)
    made = np.stack([np.full((16, 16, 3), value, np.uint8) for value in (51, 0, 102)])
    found = errors(images, made, np.array([0, 0, 1]))
    assert found == pytest.approx(((0.2**2 + 0) / 2, 0.4**2))


@pytest.fixture
def task(make_task, tmp_path):
    torch.set_num_threads(1)
    made = make_task(methods=["patchcore"], shots=[2, 4], detector={"patchcore": PARAMS})
    shots = np.random.default_rng(1).integers(0, 256, (2, 32, 32, 3), dtype=np.uint8)
    inputs = dict(made.inputs)
    for k in (2, 4):
        detector = Ganomaly.of(PARAMS)
        detector.fit(shots, Training(k, tmp_path / f"train{k}", "x"))
        path = tmp_path / f"head{k}.safetensors"
        state = detector.state()
        # Hardly trained, all are grey: make what K = 2 gives dark and what K = 4 gives bright.
        state["decoder/4.bias"].fill_(1.0)
        state["decoder/6.weight"].fill_(k - 3.0)
        write_safetensors(path, state, {"implementation": GANOMALY})
        inputs[f"head/patchcore/k{k}/r0"] = path
    return replace(made, inputs=inputs)


def test_every_network_is_a_row(task, inches, odd):
    content = draw(task)
    assert content == draw(task)
    width, height = inches(content)
    rows = np.zeros((3, 7, 16, 16, 3), np.uint8)
    same = render(odd, [Row("a", images, (0.1, 0.2)) for images in rows], [3, 4])
    assert (width, height) == inches(same)


def test_other_weights_are_another_picture(task):
    swapped = dict(task.inputs)
    swapped["head/patchcore/k2/r0"] = task.inputs["head/patchcore/k4/r0"]
    assert draw(task) != draw(replace(task, inputs=swapped))


def test_a_detector_that_makes_no_images_is_refused(task, tmp_path):
    path = tmp_path / "bank.safetensors"
    write_safetensors(path, {"bank": torch.zeros(2, 2)}, {"implementation": "medad.x:Y"})
    with pytest.raises(MedadError, match=r"patchcore \(medad\.x:Y\) reconstructs nothing"):
        draw(replace(task, inputs={**task.inputs, "head/patchcore/k2/r0": path}))
