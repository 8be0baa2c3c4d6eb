import json
from dataclasses import replace

import pytest
import torch
from torch import nn

from medad.errors import MedadError
from medad.pretraining.loop import Schedule, Step, run
from medad.pretraining.session import Session


@pytest.fixture
def session(tmp_path):
    return Session(
        attention_seed=0,
        batch_seed=0,
        events=tmp_path / "events.jsonl",
        live=tmp_path / "live.jsonl",
        partial=tmp_path / "partial.safetensors",
        fingerprint="this",
    )


def _model():
    model = nn.Linear(3, 2)
    with torch.no_grad():
        model.weight.copy_(torch.arange(6.0).view(2, 3) / 6)
        model.bias.zero_()
    return model


def _forward(model, poison=None):
    """Two terms of a linear model on inputs that depend on the step alone."""

    def forward(index):
        x = torch.rand(4, 3, generator=torch.Generator().manual_seed(index))
        made = model(x)
        terms = {"small": 0.1 * made.square().mean(), "large": (made - 1).abs().mean()}
        if poison is not None and index == poison[0]:
            terms["large"] = terms["large"] * poison[1]
        return Step(made, terms, {"d_pull": float(index)})

    return forward


def _events(session):
    return [json.loads(line) for line in session.events.read_text().splitlines()]


class _Transposed(torch.autograd.Function):
    """The identity, with a gradient of another memory layout than its input's."""

    @staticmethod
    def forward(ctx, weight):
        return weight.clone()

    @staticmethod
    def backward(ctx, gradient):
        return gradient.contiguous()


def test_the_memory_layout_of_a_gradient_does_not_matter(session):
    def trained(layout, session):
        model = nn.Conv2d(3, 4, 3)
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.copy_(torch.arange(parameter.numel()).view_as(parameter) / 100)
        model.to(memory_format=layout)

        def forward(index):
            x = torch.rand(2, 3, 5, 5, generator=torch.Generator().manual_seed(index))
            made = nn.functional.conv2d(x, _Transposed.apply(model.weight), model.bias)
            return Step(made, {"size": made.square().mean()}, {})

        run(model, forward, Schedule(5, 1, 0.01), session)
        return model.weight.detach()

    plain = trained(torch.contiguous_format, session)
    session.partial.unlink(missing_ok=True)
    assert torch.allclose(trained(torch.channels_last, session), plain, atol=1e-6)


def test_equals_a_plain_training_loop(session):
    model, reference = _model(), _model()
    run(model, _forward(model), Schedule(12, 3, 0.01), session)
    optimizer, forward = torch.optim.Adam(reference.parameters(), 0.01), _forward(reference)
    for index, event in enumerate(_events(session)):
        optimizer.zero_grad()
        loss = sum(forward(index).terms.values())
        loss.backward()
        norm = sum(p.grad.square().sum().item() for p in reference.parameters()) ** 0.5
        optimizer.step()
        assert event["loss"] == pytest.approx(loss.item(), rel=1e-5)
        assert event["gradient"] == pytest.approx(norm, rel=1e-5)
        assert (event["epoch"], event["step"], event["d_pull"]) == (index // 3, index, index)
    torch.testing.assert_close(model.state_dict(), reference.state_dict())


def test_term_gradients_are_those_of_the_term_alone(session):
    model, reference = _model(), _model()
    run(model, _forward(model), Schedule(1, 2, 0.0), session)
    first, second = _events(session)
    for name in ("small", "large"):
        step = _forward(reference)(0)
        grads = torch.autograd.grad(
            step.terms[name], list(reference.parameters()), retain_graph=True
        )
        expected = sum(g.square().sum().item() for g in grads) ** 0.5
        assert first[f"gradient/{name}"] == pytest.approx(expected, rel=1e-5)
        (at,) = torch.autograd.grad(step.terms[name], step.features)
        assert first[f"feature_gradient/{name}"] == pytest.approx(at.norm().item(), rel=1e-5)
        assert f"gradient/{name}" not in second


def test_probes_a_few_epochs_at_most(session):
    model = _model()
    run(model, _forward(model), Schedule(50, 1, 0.01), session)
    probed = [event["epoch"] for event in _events(session) if "gradient/small" in event]
    assert probed == [0, 17, 34]


class _Killed(Exception):
    pass


@pytest.mark.parametrize("save_every", [0.0, 1e9])
def test_a_killed_training_resumes_bit_for_bit(session, save_every):
    straight = _model()
    run(straight, _forward(straight), Schedule(6, 2, 0.01), session)
    expected = session.events.read_bytes()
    session.events.unlink()

    def killed(done, total, text):
        if done == 3:
            raise _Killed

    first, second, calls = _model(), _model(), []
    with pytest.raises(_Killed):
        run(
            first,
            _forward(first),
            Schedule(6, 2, 0.01),
            replace(session, report=killed),
            save_every,
        )
    assert session.partial.exists() == (save_every == 0)

    def forward(index):
        calls.append(index)
        return _forward(second)(index)

    run(second, forward, Schedule(6, 2, 0.01), session, save_every)
    assert (calls[0] > 0) == (save_every == 0)
    assert session.events.read_bytes() == expected
    assert all(map(torch.equal, straight.parameters(), second.parameters()))


def test_the_partial_file_of_another_training_is_not_resumed(session):
    model, other = _model(), _model()
    run(other, _forward(other), Schedule(2, 1, 0.5), replace(session, fingerprint="other"), 0.0)
    assert session.partial.exists()
    run(model, _forward(model), Schedule(2, 1, 0.01), session)
    fresh = _model()
    session.partial.write_bytes(b"damaged")
    run(fresh, _forward(fresh), Schedule(2, 1, 0.01), session)
    assert torch.equal(model.weight, fresh.weight)
    assert not torch.equal(model.weight, other.weight)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_term_that_is_not_finite_stops_naming_epoch_step_and_term(session, value):
    model = _model()
    with pytest.raises(MedadError, match=rf"epoch 2, step 5: large is {value}"):
        run(model, _forward(model, poison=(5, value)), Schedule(6, 2, 0.01), session)
    assert not session.events.exists()


def test_a_gradient_that_is_not_finite_stops(session):
    model = _model()

    def forward(index):
        made = model(torch.ones(1, 3))
        return Step(made, {"root": (made * 0).abs().sqrt().sum()}, {})

    with pytest.raises(MedadError, match="epoch 0, step 0: the gradient is nan"):
        run(model, forward, Schedule(1, 1, 0.01), session)


def test_live_events_are_the_events_with_times_and_epochs_are_reported(session):
    model, reports = _model(), []
    heard = replace(session, report=lambda *progress: reports.append(progress[:2]))
    run(model, _forward(model), Schedule(3, 2, 0.01), heard)
    live = [json.loads(line) for line in session.live.read_text().splitlines()]
    assert [event.pop("time") > 0 for event in live] == [True] * 6
    assert live == _events(session)
    assert reports == [(0, 3), (1, 3), (2, 3), (3, 3)]


def test_no_epochs_change_nothing(session):
    model = _model()
    assert run(model, _forward(model), Schedule(0, 1, 0.01), session) == []
    assert torch.equal(model.weight, _model().weight)
    assert session.events.read_bytes() == b""


def test_frozen_parameters_stay(session):
    model = _model()
    model.bias.requires_grad_(False)
    run(model, _forward(model), Schedule(2, 1, 0.1), session)
    assert torch.equal(model.bias, _model().bias)
    assert not torch.equal(model.weight, _model().weight)
