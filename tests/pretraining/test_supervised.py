from dataclasses import replace
from itertools import chain

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from medad.backbones.resnet import rebuild
from medad.backbones.spec import TrunkSpec
from medad.errors import MedadError
from medad.pretraining import classification, consult, segmentation
from medad.pretraining.pool import Pool
from medad.pretraining.supervised import SupervisedParams, draw, prepare, sweep


def pool(normal, anomalous):
    return Pool(torch.zeros(normal, 3, 1, 1), 1, torch.zeros(anomalous, 3, 1, 1), torch.zeros(1))


@given(st.integers(1, 9), st.integers(1, 9), st.integers(1, 6), st.integers(0, 99))
def test_half_a_batch_is_of_each_kind(normal, anomalous, half, seed):
    chosen = draw(pool(normal, anomalous), np.random.default_rng(seed), 2 * half)
    for found, count in ((chosen.normal, normal), (chosen.anomalous, anomalous)):
        assert len(found) == half
        assert set(found) <= set(range(count))
        if half <= count:
            assert len(set(found)) == half


@given(st.integers(1, 20), st.integers(1, 20), st.integers(1, 6))
def test_a_sweep_holds_every_image_in_order(normal, anomalous, half):
    batches = list(sweep(pool(normal, anomalous), 2 * half))
    for count, kind in ((normal, "normal"), (anomalous, "anomalous")):
        found = [getattr(batch, kind) for batch in batches]
        assert all(len(positions) == half for positions in found)
        assert [*chain(*found)][:count] == list(range(count))
    assert len(batches) == -(-max(normal, anomalous) // half)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"epochs": -1}, "epochs: got -1, allowed 0 or more"),
        ({"steps_per_epoch": 0}, "steps_per_epoch: got 0"),
        ({"batch": 3}, "batch: got 3, allowed 2, 4, 6"),
        ({"learning_rate": 0.0}, "learning_rate: got 0.0"),
        ({"depth": 2}, "depth: got 2, allowed 3 or 4"),
        ({"activation": "gelu"}, "activation: got 'gelu', allowed relu or leaky_relu"),
    ],
)
def test_a_wrong_choice_is_an_error(supervised, change, message):
    with pytest.raises(MedadError, match=message):
        SupervisedParams.of({**supervised, **change})


class Stopped(Exception):
    """Pairs were asked for."""


@pytest.mark.parametrize("train", [consult.train, classification.train, segmentation.train])
def test_pairs_are_normalised_as_the_trunk_has_it(
    train, random_trunk, supervised, gentle_params, bright, places, monkeypatch
):
    given = []

    def read(path, device, normalisation):
        given.append(normalisation)
        raise Stopped

    monkeypatch.setattr(Pool, "read", read)
    start = rebuild(
        random_trunk, replace(random_trunk.spec, normalisation="half"), torch.Generator()
    )
    params = gentle_params if train is consult.train else supervised
    with pytest.raises(Stopped):
        train(start, bright, params, places)
    assert given == ["half"]


def test_missing_keys_are_named_and_others_left_alone(supervised):
    assert SupervisedParams.of({**supervised, "seed": 0}).batch == 4
    with pytest.raises(MedadError, match="missing epochs, slope"):
        SupervisedParams.of({k: v for k, v in supervised.items() if k not in ("epochs", "slope")})


@pytest.mark.parametrize(("held", "asked", "trained"), [(4, 4, 4), (4, 3, 3), (3, 4, 3)])
def test_the_trunk_is_as_deep_as_asked_or_as_there_are_weights(
    random_trunk, supervised, held, asked, trained
):
    spec = TrunkSpec("resnet18", depth=held, normalisation="half")
    start = rebuild(random_trunk, spec, torch.Generator())
    params = SupervisedParams.of({**supervised, "depth": asked, "activation": "leaky_relu"})
    trunk = prepare(start, params)
    assert trunk.spec == replace(spec, activation="leaky_relu", depth=trained)
    assert all(torch.equal(v, start.state_dict()[k]) for k, v in trunk.state_dict().items())
