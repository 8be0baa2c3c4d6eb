"""EfficientAD's losses against slow sums, and the order and rate of its training."""

from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from hypothesis import given
from hypothesis import strategies as st

from medad.detectors import student
from medad.detectors.alterations import normalised
from medad.detectors.efficientad_parameters import EfficientADParameters
from medad.detectors.pdn import AutoEncoder, PatchDescription
from medad.detectors.student import Networks, hard_loss, train
from medad.detectors.training import Training

DEFAULTS = yaml.safe_load((Path(__file__).parents[2] / "params.yaml").read_text())["detectors"]
SMALL = {**DEFAULTS["efficientad"], "side": 48, "width": 0.05, "channels": 6, "steps": 3}


def slow_hard_loss(errors, quantile):
    threshold = np.quantile(errors, quantile)
    return np.mean([error for error in errors.flatten() if error >= threshold])


@given(
    seed=st.integers(0, 999),
    size=st.integers(1, 60),
    quantile=st.sampled_from([0.0, 0.5, 0.9, 0.999]),
)
def test_hard_loss_is_the_mean_of_what_is_above_the_quantile(seed, size, quantile):
    errors = np.random.default_rng(seed).permutation(size**2).reshape(size, size).astype(np.float32)
    found = hard_loss(torch.from_numpy(errors), quantile)
    assert found.item() == pytest.approx(slow_hard_loss(errors.astype(np.float64), quantile))


def test_hard_loss_of_ties():
    assert hard_loss(torch.tensor([1.0, 3.0, 3.0, 3.0]), 0.9).item() == 3
    assert hard_loss(torch.full((50,), 2.0), 0.999).item() == 2


def test_hard_loss_reaches_the_hard_alone():
    errors = torch.arange(1000.0, requires_grad=True)
    hard_loss(errors, 0.99).backward()
    assert torch.equal(errors.grad > 0, torch.arange(1000) >= 990)


def networks(params):
    torch.manual_seed(0)
    teacher = PatchDescription(params.size, params.channels, params.width).eval()
    other = PatchDescription(params.size, 2 * params.channels, params.width)
    mean = torch.linspace(-0.1, 0.1, params.channels)[:, None, None]
    return Networks(teacher, other, AutoEncoder(params.side, params.channels), mean, mean.abs() + 1)


def shots():
    torch.manual_seed(1)
    return torch.rand(3, 3, SMALL["side"], SMALL["side"])


def test_the_terms_of_a_step_are_those_of_the_paper(tmp_path, monkeypatch):
    """Recomputed in numpy from what the untrained networks say of a known jitter."""
    params = EfficientADParameters.of({**SMALL, "steps": 1})
    monkeypatch.setattr(student, "jitter", lambda images, strength: images * 0.9)
    net, images, natural = networks(params), shots(), torch.rand(1, 3, 48, 48)
    net.autoencoder.dropout.p = 0
    with torch.no_grad():
        said = [net.told(x).numpy() for x in (images, images * 0.9)]
        of = [net.student(normalised(x)).numpy() for x in (images, images * 0.9)]
        rebuilt = net.autoencoder(normalised(images * 0.9)).numpy()
        penalty = net.student(normalised(natural))[:, : params.channels].numpy()
    curves = train(params, net, images, lambda: natural, Training(0, tmp_path, "x"))
    shot = student._shot(Training(0, tmp_path, "x"), 0, 3)
    half = params.channels
    expected = {
        "hard": slow_hard_loss((said[0][shot] - of[0][shot, :half]) ** 2, params.hard),
        "penalty": (penalty**2).mean(),
        "autoencoder": ((said[1][shot] - rebuilt[shot]) ** 2).mean(),
        "student_autoencoder": ((rebuilt[shot] - of[1][shot, half:]) ** 2).mean(),
    }
    assert {name: curve.item() for name, curve in curves.items()} == pytest.approx(
        expected, rel=1e-4
    )


def test_told_is_standardised():
    params = EfficientADParameters.of(SMALL)
    net, images = networks(params), shots()
    raw = net.teacher(normalised(images)).detach()
    told = net.told(images)
    assert torch.allclose(told * net.deviation + net.mean, raw, atol=1e-6)
    assert not told.requires_grad


def test_the_teacher_is_left_alone_and_the_others_end_in_eval_mode(tmp_path):
    params = EfficientADParameters.of(SMALL)
    net = networks(params)
    before = {key: value.clone() for key, value in net.teacher.state_dict().items()}
    train(params, net, shots(), None, Training(0, tmp_path, "x"))
    assert all(torch.equal(before[key], value) for key, value in net.teacher.state_dict().items())
    assert not net.student.training
    assert not net.autoencoder.training


def test_every_shot_once_in_every_round(tmp_path):
    training = Training(3, tmp_path, "x")
    rounds = [[student._shot(training, 4 * r + i, 4) for i in range(4)] for r in range(6)]
    assert all(sorted(one) == [0, 1, 2, 3] for one in rounds)
    assert len({tuple(one) for one in rounds}) > 1


def test_the_rate_falls_in_the_last_twentieth(tmp_path, monkeypatch):
    rates = []
    adam = torch.optim.Adam.step

    def counted(self, *args, **given):
        rates.append(self.param_groups[0]["lr"])
        return adam(self, *args, **given)

    monkeypatch.setattr(torch.optim.Adam, "step", counted)
    params = EfficientADParameters.of({**SMALL, "steps": 40})
    train(params, networks(params), shots(), None, Training(0, tmp_path, "x"))
    assert rates == pytest.approx([params.learning_rate] * 38 + [params.learning_rate / 10] * 2)
