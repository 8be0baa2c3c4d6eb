"""Networks by name: what is kept of them, and that only their own state is taken back."""

import pytest
import torch
from torch import nn

from medad.detectors.network_state import collect, frozen, restore
from medad.errors import MedadError


def make():
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout(0.5))
    return {"a": net.to(memory_format=torch.channels_last), "b": nn.Sequential(nn.Linear(2, 1))}


def learned():
    torch.manual_seed(0)
    modules = make()
    modules["a"](torch.rand(2, 3, 5, 5))
    return modules, collect(modules, {"loss": torch.tensor([2.0, 1.0])})


def test_names_and_values_come_back():
    modules, state = learned()
    assert {"a/0.weight", "a/1.running_mean", "b/0.bias", "history/loss"} <= state.keys()
    restored, curves = restore(make, state, "cpu", "thing")
    assert curves["loss"].tolist() == [2, 1]
    again = collect(restored, curves)
    assert all(torch.equal(state[key], again[key]) for key in state)
    # The layout in memory decides the kernel, and with it the last bits.
    assert restored["a"][0].weight.stride() == modules["a"][0].weight.stride()
    assert not restored["a"].training
    assert not any(weight.requires_grad for weight in restored["a"].parameters())


def test_frozen_networks_do_not_change():
    modules, state = learned()
    kept = {key: value.clone() for key, value in state.items()}
    frozen(modules)
    x = torch.rand(2, 3, 5, 5)
    assert torch.equal(modules["a"](x), modules["a"](x))
    assert all(torch.equal(kept[key], value) for key, value in collect(modules, {}).items())


@pytest.mark.parametrize(
    "change",
    [
        {"b/0.bias": torch.zeros(2)},
        {"b/0.bias": torch.zeros(1, dtype=torch.float64)},
        {"b/1.bias": torch.zeros(1)},
    ],
)
def test_another_state_is_refused(change):
    _, state = learned()
    with pytest.raises(MedadError, match=r"not the state of this thing \(differs in b/\d"):
        restore(make, {**state, **change}, "cpu", "thing")
