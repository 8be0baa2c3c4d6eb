"""Training of a detector's networks: seeds, curves, resuming to the same bits, no NaN."""

import math

import pytest
import torch
from torch import nn

from medad.detectors.training import Training, run
from medad.errors import MedadError


def networks():
    """Two networks with batch norm and dropout, one optimizer each, in two memory layouts."""
    torch.manual_seed(0)
    first = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.Dropout(0.5))
    second = nn.Conv2d(4, 1, 3, padding=1)
    first.to(memory_format=torch.channels_last)
    modules = {"first": first, "second": second}
    optimizers = {
        "a": torch.optim.Adam(first.parameters(), lr=0.01, fused=True),
        "b": torch.optim.AdamW(second.parameters(), lr=0.01, amsgrad=True),
    }
    return modules, optimizers


def step_of(modules, optimizers, stop_at=None):
    def step(index):
        if index == stop_at:
            raise KeyboardInterrupt
        x = torch.randn(2, 3, 6, 6)
        loss = (modules["second"](modules["first"](x)) - 1).square().mean()
        # The second optimizer begins late, as a generator does after its critic.
        chosen = ["a"] if index < 3 else ["a", "b"]
        for name in optimizers:
            optimizers[name].zero_grad()
        loss.backward()
        for name in chosen:
            optimizers[name].step()
        return {"loss": loss.item()}

    return step


def training(folder, fingerprint="x", seed=7):
    folder.mkdir(exist_ok=True)
    return Training(seed, folder, fingerprint)


def trained(folder, stop_at=None, save_every=0.0, **given):
    modules, optimizers = networks()
    step = step_of(modules, optimizers, stop_at)
    curves = run(training(folder, **given), "net", modules, optimizers, step, 8, save_every)
    weights = {
        f"{name}.{key}": value.clone()
        for name, module in modules.items()
        for key, value in module.state_dict().items()
    }
    return weights, curves


def same(a, b):
    return all(torch.equal(a[key], b[key]) for key in a) and a.keys() == b.keys()


@pytest.mark.parametrize("stop_at", [1, 2, 3, 4, 7])
def test_a_training_cut_short_continues_bit_for_bit(tmp_path, stop_at):
    whole, curves = trained(tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        trained(tmp_path / "cut", stop_at)
    assert (tmp_path / "cut" / "net.safetensors").is_file()
    resumed, again = trained(tmp_path / "cut")
    assert same(whole, resumed)
    assert torch.equal(curves["loss"], again["loss"])
    assert curves["loss"].shape == (8,)


def test_resuming_does_not_repeat_steps(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        trained(tmp_path, 5)
    modules, optimizers = networks()
    seen = []
    step = step_of(modules, optimizers)

    def counted(index):
        seen.append(index)
        return step(index)

    run(training(tmp_path), "net", modules, optimizers, counted, 8)
    assert 0 < seen[0] <= 5
    assert seen == list(range(seen[0], 8))


def test_progress_of_another_fit_is_left_alone(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        trained(tmp_path, 5, fingerprint="other")
    whole, _ = trained(tmp_path / "fresh")
    assert same(whole, trained(tmp_path)[0])


def test_a_damaged_file_is_no_progress(tmp_path):
    (tmp_path / "net.safetensors").write_bytes(b"not a file of tensors")
    assert same(trained(tmp_path / "fresh")[0], trained(tmp_path)[0])


def test_seed_and_name_decide_the_draws(tmp_path):
    weights, _ = trained(tmp_path / "a")
    assert same(weights, trained(tmp_path / "b")[0])
    assert not same(weights, trained(tmp_path / "c", seed=8)[0])


def test_the_state_of_others_does_not_change(tmp_path):
    torch.manual_seed(3)
    expected = torch.rand(2)
    modules, optimizers = networks()
    torch.manual_seed(3)
    run(training(tmp_path), "net", modules, optimizers, step_of(modules, optimizers), 2)
    assert torch.equal(torch.rand(2), expected)


def test_a_value_that_is_not_finite_stops_it(tmp_path):
    with pytest.raises(MedadError, match="net, step 1: loss is nan; lower the learning rate"):
        run(training(tmp_path), "net", {}, {}, lambda i: {"loss": math.nan if i else 0.0}, 3)


def test_little_is_saved_when_saving_is_rare(tmp_path):
    trained(tmp_path, save_every=1e9)
    assert not (tmp_path / "net.safetensors").exists()
