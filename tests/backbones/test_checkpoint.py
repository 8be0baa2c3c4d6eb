import pytest
import torch

from medad.backbones import checkpoint
from medad.backbones.resnet import build
from medad.backbones.spec import TrunkSpec
from medad.errors import MedadError
from medad.files import read_safetensors, write_safetensors


@pytest.fixture
def trunk():
    spec = TrunkSpec(
        "resnet18", activation="leaky_relu", attention="stage", attention_init="reference"
    )
    return build(spec, torch.Generator().manual_seed(0))


def test_round_trip_gives_the_same_network(trunk, tmp_path):
    checkpoint.save(tmp_path / "a.safetensors", trunk, {"distance_scale": 0.5})
    loaded = checkpoint.load(tmp_path / "a.safetensors")
    assert loaded.spec == trunk.spec
    assert not loaded.training
    x = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        assert torch.equal(loaded(x, [3])[3], trunk(x, [3])[3])
    assert read_safetensors(tmp_path / "a.safetensors")[1]["distance_scale"] == 0.5


def test_bytes_do_not_depend_on_the_memory_layout(trunk, tmp_path):
    checkpoint.save(tmp_path / "a.safetensors", trunk, {})
    checkpoint.save(tmp_path / "b.safetensors", trunk.to(memory_format=torch.channels_last), {})
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()


def test_refuses_other_files(trunk, tmp_path):
    write_safetensors(tmp_path / "plain.safetensors", trunk.state_dict(), None)
    with pytest.raises(MedadError, match=r"plain.*not a trunk of medad"):
        checkpoint.load(tmp_path / "plain.safetensors")
    state = trunk.state_dict()
    del state["conv1.weight"]
    write_safetensors(tmp_path / "less.safetensors", state, {"trunk": {"name": "resnet18"}})
    with pytest.raises(MedadError, match=r"do not fit their description.*conv1.weight"):
        checkpoint.load(tmp_path / "less.safetensors")
