import torch
from torch import nn

from medad.pretraining.partial import Progress, restore, save


def _trained(steps):
    model = nn.Conv2d(2, 3, 3).to(memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(model.parameters(), 0.1)
    for index in range(steps):
        optimizer.zero_grad()
        x = torch.rand(1, 2, 5, 5, generator=torch.Generator().manual_seed(index))
        model(x).square().sum().backward()
        optimizer.step()
    return model, optimizer


def test_parameters_moments_and_events_come_back(tmp_path):
    model, optimizer = _trained(3)
    events = [{"epoch": i, "loss": 0.1 * i} for i in range(3)]
    save(tmp_path / "p", "this", Progress(3, events), dict(model.named_parameters()), optimizer)
    other, empty = _trained(0)
    layout = other.weight.stride()
    found = restore(tmp_path / "p", "this", dict(other.named_parameters()), empty)
    assert found == Progress(3, events)
    assert other.weight.stride() == layout
    for ours, theirs in zip(other.parameters(), model.parameters(), strict=True):
        assert torch.equal(ours, theirs)
        for key, value in optimizer.state[theirs].items():
            assert torch.equal(empty.state[ours][key], value)


def test_all_of_the_state_lies_where_the_parameters_are(tmp_path):
    model, optimizer = _trained(2)
    events = [{"loss": 1.0}] * 2
    save(tmp_path / "p", "this", Progress(2, events), dict(model.named_parameters()), optimizer)
    elsewhere = model.to("meta")
    empty = torch.optim.Adam(elsewhere.parameters(), 0.1)
    restore(tmp_path / "p", "this", dict(elsewhere.named_parameters()), empty)
    states = [value for state in empty.state.values() for value in state.values()]
    assert {value.device.type for value in states} == {"meta"}
    assert len(states) == 6


def test_nothing_is_restored_from_absent_damaged_or_foreign_files(tmp_path):
    model, optimizer = _trained(1)
    parameters = dict(model.named_parameters())
    save(tmp_path / "foreign", "other", Progress(1, [{"loss": 1.0}]), parameters, optimizer)
    (tmp_path / "damaged").write_bytes(b"x" * 20)
    for name in ("absent", "damaged", "foreign"):
        fresh, empty = _trained(0)
        before = fresh.weight.clone()
        found = restore(tmp_path / name, "this", dict(fresh.named_parameters()), empty)
        assert found == Progress(0, [])
        assert torch.equal(fresh.weight, before)
        assert not empty.state
