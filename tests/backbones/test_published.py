from pathlib import Path
from urllib.error import URLError

import pytest
import torch

import medad.backbones.published
from medad.backbones.published import PUBLISHED, available, cached_path, published, require
from medad.errors import MedadError


@pytest.mark.parametrize(
    "settings",
    [{}, {"TORCH_HOME": "torch_home"}, {"XDG_CACHE_HOME": "cache"}, {"TORCH_HOME": "~/t"}],
)
def test_looks_where_torch_hub_does(settings, monkeypatch):
    for name in ("TORCH_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    assert cached_path("resnet18").parent == Path(torch.hub.get_dir()) / "checkpoints"


def test_available_only_when_the_file_is_there(monkeypatch, tmp_path):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    assert available("resnet18") is None
    path = tmp_path / "hub" / "checkpoints" / "resnet18-f37072fd.pth"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"")
    assert available("resnet18") == path
    assert available("resnet50") is None


def test_every_name_carries_the_start_of_its_hash():
    for source in PUBLISHED.values():
        assert len(bytes.fromhex(source.sha256_prefix)) == 4
        assert source.url == f"https://download.pytorch.org/models/{source.file}"
    assert published("wide_resnet50_2").sha256_prefix == "95faca4d"


def test_an_unknown_name_lists_the_known():
    with pytest.raises(MedadError, match=r"resnet19.*resnet18.*wide_resnet50_2"):
        published("resnet19")


def test_require_is_content_with_a_cached_file_and_asks_the_network_else(monkeypatch, tmp_path):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    asked = []

    def offline(request, timeout):
        asked.append((request.full_url, request.method))
        raise URLError("no route to host")

    monkeypatch.setattr(medad.backbones.published, "urlopen", offline)
    with pytest.raises(MedadError, match=r"neither at .*f37072fd.* nor downloadable .*no route"):
        require("resnet18")
    assert asked == [(published("resnet18").url, "HEAD")]
    cached_path("resnet18").parent.mkdir(parents=True)
    cached_path("resnet18").write_bytes(b"")
    require("resnet18")
    assert len(asked) == 1
