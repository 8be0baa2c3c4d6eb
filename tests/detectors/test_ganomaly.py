"""GANomaly: its networks equal those of anomalib, its losses those of numpy and of anomalib."""

from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from medad.detectors.ganomaly import (
    Ganomaly,
    GanomalyParameters,
    discriminator_loss,
    generator_losses,
)
from medad.detectors.ganomaly_networks import networks
from medad.detectors.training import Training
from medad.errors import MedadError

DEFAULTS = yaml.safe_load((Path(__file__).parents[2] / "params.yaml").read_text())["detectors"]
SMALL = {"resolution": 16, "latent": 6, "features": 4, "epochs": 3}
IMAGES = np.random.default_rng(0).integers(0, 256, (3, 40, 40, 3), dtype=np.uint8)
X = torch.from_numpy(np.cos(np.arange(2 * 3 * 32 * 32) * 0.37).reshape(2, 3, 32, 32)).float()


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)


def make(**changes):
    return Ganomaly.of({**DEFAULTS["ganomaly"], **SMALL, **changes, "side": 40})


def fitted(folder, **changes):
    detector = make(**changes)
    folder.mkdir(exist_ok=True)
    detector.fit(IMAGES, Training(0, folder, "x"))
    return detector


def waves(module):
    """Weights of a formula, so that none need be stored."""
    for number, (key, tensor) in enumerate(module.state_dict().items()):
        if tensor.is_floating_point():
            values = np.sin(np.arange(tensor.numel()) * 0.7 + number)
            values = 0.5 + 0.3 * values if key.endswith("running_var") else 0.2 * values
            if key.endswith("weight") and tensor.ndim == 1:
                values = 1 + values
            tensor.copy_(torch.from_numpy(values.reshape(tensor.shape)))


@pytest.mark.parametrize("mode", ["eval", "train"])
@pytest.mark.parametrize("variant", ["paper", "anomalib"])
def test_forward_passes_and_losses_are_anomalibs(mode, variant):
    """The fixture was recorded with anomalib 2.7.0's ``torch_model`` and ``loss``.

    ``GanomalyModel((32, 32), 3, n_features=4, latent_vec_size=5)``; ``waves`` on encoder1, decoder,
    encoder2 and discriminator; X through the generator and both images through the discriminator.
    ``4``: as it is; ``1``: with the first convolutions' padding set to 1, as the authors have it.
    ``again`` is every fourth pixel; ``features`` are means; ``generator`` and ``discriminator``
    are losses.
    """
    padding = 4 if variant == "anomalib" else 1
    with np.load(Path(__file__).parent / "fixtures/ganomaly.npz") as archive:
        prefix = f"{mode}{padding}/"
        names = [name for name in archive.files if name.startswith(prefix)]
        expected = {name.removeprefix(prefix): archive[name] for name in names}
    made = networks(32, 5, 4, variant == "anomalib")
    for net in made.values():
        waves(net)
        net.train(mode == "train")
    with torch.no_grad():
        code = made["encoder"](X)
        again = made["decoder"](code)
        recode = made["reencoder"](again)
        discriminator = made["discriminator"]
        features = [discriminator[0](part) for part in (X, again)]
        probabilities = [discriminator(part).sigmoid().flatten() for part in (X, again)]
        losses = generator_losses(discriminator, X, code, again, recode, variant)
        loss = discriminator_loss(discriminator, X, again)
    assert code.numpy() == pytest.approx(expected["code"], abs=1e-5)
    assert recode.numpy() == pytest.approx(expected["recode"], abs=1e-4)
    assert again[:, :, ::4, ::4].numpy() == pytest.approx(expected["again"], abs=1e-5)
    means = [part.mean().item() for part in features]
    assert means == pytest.approx(expected["features"], abs=1e-5)
    assert torch.stack(probabilities).numpy() == pytest.approx(expected["probability"], abs=1e-5)
    assert loss.item() == pytest.approx(expected["discriminator"].item(), rel=1e-5)
    if variant == "anomalib":
        total = losses["adversarial"] + 50 * losses["contextual"] + losses["encoding"]
        assert total.item() == pytest.approx(expected["generator"].item(), rel=1e-5)


def test_the_papers_losses_against_numpy():
    rng = np.random.default_rng(0)
    x, again = (rng.uniform(-1, 1, (2, 3, 16, 16)).astype(np.float32) for _ in range(2))
    code, recode = (rng.normal(0, 2, (2, 5, 1, 1)).astype(np.float32) for _ in range(2))
    discriminator = networks(16, 5, 4, anomalib=False)["discriminator"].eval()
    given = [torch.from_numpy(array) for array in (x, code, again, recode)]
    with torch.no_grad():
        f, g = (discriminator[0](torch.from_numpy(part)).numpy() for part in (x, again))
        p, q = (discriminator(torch.from_numpy(part)).numpy().ravel() for part in (x, again))
        losses = generator_losses(discriminator, *given, "paper")
        loss = discriminator_loss(discriminator, given[0], given[2])
    assert losses["adversarial"].item() == pytest.approx(((f - g) ** 2).mean(), rel=1e-4)
    assert losses["contextual"].item() == pytest.approx(np.abs(x - again).mean(), rel=1e-5)
    assert losses["encoding"].item() == pytest.approx(((code - recode) ** 2).mean(), rel=1e-5)
    probability, other = 1 / (1 + np.exp(-p)), 1 / (1 + np.exp(-q))
    entropy = -np.log(probability).mean() - np.log(1 - other).mean()
    assert loss.item() == pytest.approx(entropy / 2, rel=1e-5)


def test_score_and_maps_against_the_networks(tmp_path):
    detector = fitted(tmp_path)
    scores, nets = detector.score(IMAGES[:1]), detector.modules
    import cv2

    small = cv2.resize(IMAGES[0], (16, 16), interpolation=cv2.INTER_AREA)
    x = torch.from_numpy(small.transpose(2, 0, 1)[None] / 127.5 - 1).float()
    with torch.no_grad():
        code = nets["encoder"](x)
        again = nets["decoder"](code)
        recode = nets["reencoder"](again)
    difference = (code - recode).double().numpy()
    assert scores.image[0] == pytest.approx((difference**2).mean(), rel=1e-5)
    assert scores.maps[0] == pytest.approx(np.abs((x - again).numpy())[0].mean(0), abs=1e-5)
    shown = np.round((again[0].permute(1, 2, 0).numpy() + 1) * 127.5)
    assert np.array_equal(detector.reconstruct(IMAGES[:1])[0], shown)


def test_a_step_is_two_of_adam_on_the_networks_before_it(tmp_path):
    """One step against torch's plain optimizers and one loss written out."""
    detector = fitted(tmp_path, epochs=1)
    training = Training(0, tmp_path, "x")
    with training.seeded("networks"):
        nets = networks(16, 6, 4, anomalib=False)
    generator = [w for name in ("encoder", "decoder", "reencoder") for w in nets[name].parameters()]
    adam = torch.optim.Adam(generator, lr=2e-4, betas=(0.5, 0.999))
    with training.seeded("ganomaly order"):
        order = torch.randperm(3)
    import cv2

    small = np.stack([cv2.resize(i, (16, 16), interpolation=cv2.INTER_AREA) for i in IMAGES])
    x = torch.from_numpy(small.transpose(0, 3, 1, 2) / 127.5 - 1).float()[order]
    code = nets["encoder"](x)
    again = nets["decoder"](code)
    features = nets["discriminator"][0]
    loss = (
        (features(x) - features(again)).square().mean()
        + 50 * (x - again).abs().mean()
        + (code - nets["reencoder"](again)).square().mean()
    )
    loss.backward()
    adam.step()
    for name in ("encoder", "decoder", "reencoder"):
        for key, value in nets[name].named_parameters():
            assert torch.allclose(detector.state()[f"{name}/{key}"], value, atol=2e-6), (name, key)


def test_what_is_kept(tmp_path):
    state = fitted(tmp_path).state()
    parts = {key.partition("/")[0] for key in state}
    assert parts == {"encoder", "decoder", "reencoder", "history"}
    terms = {key for key in state if key.startswith("history/")}
    assert terms == {
        f"history/{term}" for term in ("adversarial", "contextual", "encoding", "discriminator")
    }
    assert all(len(state[term]) == 3 for term in terms)


def test_the_variants_train_differently(tmp_path):
    a, b = (
        fitted(tmp_path / variant, resolution=32, variant=variant)
        for variant in ("paper", "anomalib")
    )
    assert not np.array_equal(a.score(IMAGES).image, b.score(IMAGES).image)


@pytest.mark.parametrize(
    "wrong",
    [
        {"resolution": 8},
        {"resolution": 48},
        {"resolution": 16, "variant": "anomalib"},
        {"features": 0},
        {"epochs": 0},
        {"contextual": -1.0},
        {"encoding": float("nan")},
        {"learning_rate": 0.0},
        {"beta1": -0.1},
        {"variant": "other"},
    ],
)
def test_impossible_parameters_are_refused(wrong):
    with pytest.raises(MedadError, match=rf"{next(iter(wrong))}: got .*, allowed: "):
        GanomalyParameters(**{**DEFAULTS["ganomaly"], **wrong})
