import urllib.error
from http.client import IncompleteRead

import pytest
import torch

from medad.backbones import published as table
from medad.backbones import weights
from medad.backbones.published import Published
from medad.errors import MedadError
from medad.files import sha256, write_safetensors


@pytest.fixture(scope="module")
def whole():
    """A state dict as torchvision's: all stages, fc, and counters of batches."""
    state = dict(weights.random("resnet18", 0).state_dict())
    for key in [key for key in state if key.endswith("running_mean")]:
        state[key.replace("running_mean", "num_batches_tracked")] = torch.tensor(7)
    return state | {"fc.weight": torch.zeros(1000, 512), "fc.bias": torch.zeros(1000)}


@pytest.fixture
def cache(monkeypatch, tmp_path):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    path = table.cached_path("resnet18")
    path.parent.mkdir(parents=True)
    return path


def test_random_is_seeded():
    first, same, other = (weights.random("resnet18", s).state_dict() for s in (1, 1, 2))
    assert all(torch.equal(first[key], same[key]) for key in first)
    assert not torch.equal(first["conv1.weight"], other["conv1.weight"])


@pytest.mark.parametrize(("dropped", "depth"), [((), 4), (("layer4.", "fc."), 3), (("fc.",), 4)])
def test_layer4_and_fc_may_be_missing(whole, dropped, depth):
    state = (
        {key: value for key, value in whole.items() if not key.startswith(dropped)}
        if dropped
        else whole
    )
    trunk = weights.from_state("resnet18", state, "it")
    assert trunk.spec.depth == depth
    assert trunk.spec.activation == "relu"
    assert not trunk.training
    for key, value in trunk.state_dict().items():
        assert torch.equal(value, whole[key])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"layer4.0.conv1.weight": None}, r"missing layer4.0.conv1.weight"),
        ({"layer2.0.bn1.bias": None}, r"missing layer2.0.bn1.bias"),
        ({"head.weight": torch.zeros(1)}, r"unexpected head.weight"),
        ({"conv1.weight": torch.zeros(64, 1, 7, 7)}, r"of another shape conv1.weight"),
    ],
)
def test_anything_else_is_listed(whole, change, message):
    state = {key: value for key, value in (whole | change).items() if value is not None}
    with pytest.raises(MedadError, match=rf"it: not the weights of a resnet18: {message}"):
        weights.from_state("resnet18", state, "it")


def test_weights_of_another_network_are_refused(whole):
    with pytest.raises(MedadError, match=r"not the weights of a resnet50: missing .* and \d+ more"):
        weights.from_state("resnet50", whole, "it")


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_a_file_pinned_by_its_hash(whole, suffix, tmp_path):
    path = tmp_path / f"w{suffix}"
    if suffix == ".pth":
        torch.save(whole, path)
    else:
        write_safetensors(path, whole, None)
    trunk = weights.from_file("resnet18", path, sha256(path))
    assert torch.equal(trunk.conv1.weight, whole["conv1.weight"])
    with pytest.raises(MedadError, match=rf"sha256 is {sha256(path)}, backbone.sha256 says 00"):
        weights.from_file("resnet18", path, "00")
    with pytest.raises(MedadError, match="no such file"):
        weights.from_file("resnet18", tmp_path / "absent.pth", None)


class _Harmful:
    def __reduce__(self):
        return (print, ("run on load",))


@pytest.mark.parametrize("content", ["harmful", "damaged", "nested"])
def test_a_file_that_is_no_plain_state_dict(content, tmp_path, capsys):
    path = tmp_path / "w.pth"
    if content == "damaged":
        path.write_bytes(b"not a network")
    else:
        torch.save(_Harmful() if content == "harmful" else {"state_dict": {}}, path)
    with pytest.raises(MedadError, match=r"w.pth: not a (plain )?state dict"):
        weights.from_file("resnet18", path, None)
    assert "run on load" not in capsys.readouterr().out


def test_imagenet_comes_from_the_cache_checked_by_its_name(whole, cache, monkeypatch):
    torch.save(whole, cache)
    with pytest.raises(MedadError, match=r"damaged, or not resnet18-f37072fd.pth.*delete the file"):
        weights.imagenet("resnet18")
    right = cache.with_name(f"resnet18-{sha256(cache)[:8]}.pth")
    cache.rename(right)
    monkeypatch.setitem(table.PUBLISHED, "resnet18", Published(right.name))
    assert torch.equal(weights.imagenet("resnet18").conv1.weight, whole["conv1.weight"])


@pytest.mark.parametrize(
    "error",
    [
        urllib.error.URLError("no route"),
        TimeoutError("slow"),
        IncompleteRead(b""),
        RuntimeError("invalid hash value"),
        OSError(28, "No space left on device"),
    ],
)
def test_offline_says_in_one_line_what_to_do(cache, monkeypatch, error):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr(torch.hub, "download_url_to_file", fail)
    with pytest.raises(MedadError) as caught:
        weights.imagenet("resnet18")
    message = str(caught.value)
    assert f"place the file at {cache}" in message
    assert "backbone.weights" in message
    assert "\n" not in message


def test_a_download_is_kept_in_the_cache(whole, cache, monkeypatch):
    def download(url, target, prefix, progress):
        assert url == "https://download.pytorch.org/models/resnet18-f37072fd.pth"
        assert prefix == "f37072fd"
        torch.save(whole, target)

    monkeypatch.setattr(torch.hub, "download_url_to_file", download)
    assert weights.download("resnet18") == cache
    monkeypatch.setattr(torch.hub, "download_url_to_file", None)
    assert weights.download("resnet18") == cache
