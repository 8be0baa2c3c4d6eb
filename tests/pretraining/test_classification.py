from dataclasses import replace

import numpy as np
import pytest
import torch

from medad.backbones import checkpoint
from medad.detectors.patchcore import PatchCore
from medad.errors import MedadError
from medad.files import write_npz
from medad.pretraining.classification import Classifier, accuracy, train
from medad.pretraining.pool import Pool


def test_tells_the_classes_of_its_pool_apart(random_trunk, bright, supervised, places, losses):
    before = {key: value.clone() for key, value in random_trunk.state_dict().items()}
    adapted = train(random_trunk, bright, supervised | {"epochs": 30}, places)
    assert adapted.facts == {"accuracy": 1.0, "healthy": 6, "anomalous": 5}
    found = losses()
    assert len(found) == 30
    assert np.mean(found[-5:]) < 0.2 < np.mean(found[:3])
    assert all(torch.equal(random_trunk.state_dict()[key], before[key]) for key in before)


def test_statistics_stay_and_every_weight_moves(random_trunk, bright, supervised, places):
    trunk = train(random_trunk, bright, supervised, places).trunk
    assert (trunk.spec.depth, trunk.training) == (3, False)
    for name, now in trunk.state_dict().items():
        assert torch.equal(now, random_trunk.state_dict()[name]) == ("running" in name), name


@torch.no_grad()
def test_the_logits_are_those_of_the_mean_feature(random_trunk):
    model = Classifier(random_trunk).initialise(torch.Generator().manual_seed(0))
    images = torch.rand(2, 3, 32, 48, generator=torch.Generator().manual_seed(1))
    feature = random_trunk(images, [4])[4].numpy().mean((2, 3))
    weight, bias = (value.numpy() for value in model.head.parameters())
    np.testing.assert_allclose(model(images), feature @ weight.T + bias, rtol=1e-4, atol=1e-5)
    assert abs(weight).max() <= 512**-0.5


@torch.no_grad()
def test_means_are_centred_and_scaled_by_what_they_were(random_trunk):
    model = Classifier(random_trunk).initialise(torch.Generator().manual_seed(0))
    images = torch.rand(6, 3, 32, 48, generator=torch.Generator().manual_seed(1))
    features = random_trunk(images, [4])[4].numpy().mean((2, 3))
    model.centre([images[:4], images[4:]])
    standard = (features - features.mean(0)) / np.sqrt(features.var(0).mean())
    weight, bias = (value.numpy() for value in model.head.parameters())
    np.testing.assert_allclose(model(images), standard @ weight.T + bias, rtol=1e-3, atol=1e-4)
    model.centre([images[:1], images[:1]])
    assert torch.isfinite(model(images)).all()


def test_accuracy_counts_images_of_both_kinds(random_trunk, bright_lesions):
    model = Classifier(random_trunk).initialise(torch.Generator())
    with torch.no_grad():
        model.head.weight.zero_()
        model.head.bias.copy_(torch.tensor([0.0, 1.0]))  # all anomalous
    assert accuracy(model, Pool.of(bright_lesions, "cpu", "imagenet")) == 5 / 11


def test_a_killed_training_gives_the_same_bytes(
    random_trunk, bright, supervised, places, stored, cut_short
):
    straight = stored(train(random_trunk, bright, supervised, places))
    events = places.events.read_bytes()
    places.events.unlink()
    cut_short(train, random_trunk, bright, supervised)
    reports = []
    heard = replace(places, report=lambda done, total, text: reports.append(done))
    assert stored(train(random_trunk, bright, supervised, heard)) == straight
    assert reports[0] > 0
    assert places.events.read_bytes() == events


def test_seeds_decide(random_trunk, bright, supervised, places, stored):
    torch.manual_seed(0)
    first = stored(train(random_trunk, bright, supervised, places))
    torch.manual_seed(1)
    assert stored(train(random_trunk, bright, supervised, places)) == first
    for field in ("attention_seed", "batch_seed"):
        other = train(random_trunk, bright, supervised, replace(places, **{field: 99}))
        assert stored(other) != first


def test_no_epochs_leave_the_trunk_as_it_was(random_trunk, bright, supervised, places):
    adapted = train(random_trunk, bright, supervised | {"epochs": 0}, places)
    state = random_trunk.state_dict()
    assert all(torch.equal(v, state[k]) for k, v in adapted.trunk.state_dict().items())
    assert 0 <= adapted.facts["accuracy"] <= 1


def test_the_trunk_goes_into_patchcore(random_trunk, bright, supervised, places, tmp_path, stored):
    stored(train(random_trunk, bright, supervised | {"epochs": 1}, places))
    trunk = checkpoint.load(tmp_path / "stored.safetensors")
    params = {
        "layers": [2, 3],
        "pool": 3,
        "coreset": 0.5,
        "neighbors": 3,
        "reweight": True,
        "smooth": 0.0,
    }
    detector = PatchCore.of(params, "cpu")
    images = torch.rand(3, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        pyramid = trunk(images, detector.layers)
    detector.fit(pyramid, np.random.default_rng(0))
    assert np.isfinite(detector.score(pyramid).image).all()


def test_a_pool_without_anomalous_images_is_an_error(
    random_trunk, bright_lesions, supervised, places, tmp_path
):
    arrays = bright_lesions | {name: bright_lesions[name][:0] for name in ("anomalous", "masks")}
    write_npz(tmp_path / "none.npz", arrays)
    with pytest.raises(MedadError, match="0 anomalous"):
        train(random_trunk, tmp_path / "none.npz", supervised, places)
