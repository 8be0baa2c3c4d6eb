"""Patch SVDD: maps against patch by patch, terms of the loss, refusals."""

from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from medad.detectors.patch_svdd import PatchSvdd, PatchSvddParameters
from medad.detectors.training import Training
from medad.errors import MedadError

DEFAULTS = yaml.safe_load((Path(__file__).parents[2] / "params.yaml").read_text())["detectors"]
SMALL = {"width": 0.1, "channels": 6, "epochs": 1, "repeats": 2, "batch": 3}
PARAMS = {**DEFAULTS["patch_svdd"], **SMALL, "side": 96}


def images(count, seed):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (count, 96, 96, 3), np.uint8)


def fitted(folder, **changes):
    folder.mkdir(exist_ok=True)
    made = PatchSvdd.of({**PARAMS, **changes})
    made.fit(images(3, 1), Training(0, folder, "this fit"))
    return made


@torch.no_grad()
def by_patches(detector, train, image, size, step):
    """Every patch through the encoder by itself, its nearest of all, spread pixel by pixel."""
    mean = train.astype(np.float64).mean(0) / 255

    def codes(one):
        x = torch.from_numpy((one / 255.0 - mean).transpose(2, 0, 1)).float()
        places = [(y, z) for y in range(0, 97 - size, step) for z in range(0, 97 - size, step)]
        cut = torch.stack([x[:, y : y + size, z : z + size] for y, z in places])
        return places, detector.encoder.of_patches(cut).double().numpy()

    bank = np.concatenate([codes(one)[1] for one in train])
    places, own = codes(image)
    total, covered = np.zeros((2, 96, 96))
    for (y, z), code in zip(places, own, strict=True):
        total[y : y + size, z : z + size] += np.linalg.norm(bank - code, axis=1).min()
        covered[y : y + size, z : z + size] += 1
    return total / covered


@pytest.mark.parametrize("combine", ["product", "sum", "large", "small"])
def test_scores_are_those_of_single_patches(tmp_path, combine):
    detector = fitted(tmp_path, combine=combine)
    test = images(2, 2)
    found = detector.score(test)
    for number, image in enumerate(test):
        large, small = (
            by_patches(detector, images(3, 1), image, *of) for of in ((64, 16), (32, 4))
        )
        whole = {"product": large * small, "sum": large + small, "large": large, "small": small}
        expected = whole[combine]
        assert found.image[number] == pytest.approx(expected.max(), rel=1e-3)
        cells = expected.reshape(24, 4, 24, 4).mean((1, 3))
        assert found.maps[number] == pytest.approx(cells, rel=1e-2, abs=1e-6)


def test_curves_and_steps(tmp_path):
    state = fitted(tmp_path, epochs=3).state()
    terms = [f"{term}_{size}" for term in ("position", "svdd") for size in (64, 32)]
    history = {name: state[f"history/{name}"] for name in [*terms, "loss"]}
    assert all(len(curve) == 3 * 2 for curve in history.values())  # 3 images, twice, 3 a step
    total = sum(history[name] for name in terms)
    assert torch.allclose(total, history["loss"], atol=1e-5)
    assert history["position_64"][0].item() == pytest.approx(np.log(8), abs=0.3)


def test_lambda_weighs_the_distances(tmp_path):
    one, double = (fitted(tmp_path / str(w), svdd=w).state() for w in (1.0, 2.0))
    first = [state["history/svdd_32"][0].item() for state in (one, double)]
    assert first[1] == pytest.approx(2 * first[0], rel=1e-5)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"side": 48}, "image.side: got 48, allowed for patch_svdd: 64 or more"),
        ({"repeats": 0}, "repeats: got 0"),
        ({"width": 0.0}, "width: got 0.0"),
        ({"svdd": -1.0}, "svdd: got -1.0"),
        ({"combine": "max"}, "combine: got 'max', allowed: product, sum, large, small"),
    ],
)
def test_parameters_are_checked(changes, message):
    with pytest.raises(MedadError, match=message):
        PatchSvddParameters.of({**PARAMS, **changes})


def test_images_of_another_side_are_refused(tmp_path):
    with pytest.raises(MedadError, match=r"allowed: uint8 \(N, 96, 96, 3\)"):
        fitted(tmp_path).score(np.zeros((1, 64, 64, 3), np.uint8))
