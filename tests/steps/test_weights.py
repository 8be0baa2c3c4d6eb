from pathlib import Path

import pytest
import torch

from medad.backbones import checkpoint
from medad.backbones import published as table
from medad.backbones.published import Published
from medad.errors import MedadError
from medad.files import read_safetensors, sha256, write_safetensors
from medad.steps import weights
from medad.task import Task


def _task(folder: Path, kind, seed=0, **rest):
    given = {"name": "resnet18", "weights": kind, "normalisation": "half"}
    params = {"seed": seed, **given, **rest.pop("params", {})}
    folder.mkdir(exist_ok=True)
    return Task(
        kind="weights",
        identity={"backbone": "resnet18", "weights": kind},
        params=params,
        inputs=rest.pop("inputs", {}),
        outputs={"weights": folder / "weights.safetensors"},
        scratch=folder,
        cache=folder,
        live=folder / "live",
        **rest,
    )


def test_random_weights_are_the_same_bytes_for_a_seed(tmp_path):
    written = []
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        task = _task(tmp_path / name, "random", seed)
        weights.run(task)
        written.append(task.outputs["weights"].read_bytes())
        assert list(task.seeds) == ["weights"]
    assert written[0] == written[1] != written[2]
    spec = checkpoint.load(tmp_path / "a" / "weights.safetensors").spec
    assert (spec.depth, spec.normalisation) == (4, "half")


def test_a_file_is_checked_and_named(tmp_path):
    weights.run(_task(tmp_path / "a", "random"))
    tensors, _ = read_safetensors(tmp_path / "a" / "weights.safetensors")
    source = tmp_path / "mine.safetensors"
    write_safetensors(source, {k: v for k, v in tensors.items() if "layer4" not in k}, None)
    params = {"sha256": sha256(source)}
    task = _task(tmp_path / "b", "file", inputs={"file": source}, params=params)
    weights.run(task)
    ours, metadata = read_safetensors(task.outputs["weights"])
    assert all(torch.equal(value, tensors[key]) for key, value in ours.items())
    assert metadata["source"] == "file"
    assert metadata["file"] == "mine.safetensors"
    assert metadata["trunk"]["depth"] == 3
    wrong = _task(tmp_path / "b", "file", inputs={"file": source}, params={"sha256": "0" * 64})
    with pytest.raises(MedadError, match=r"backbone.sha256 says 0000"):
        weights.run(wrong)


def test_imagenet_reads_the_source_given(tmp_path, monkeypatch):
    weights.run(_task(tmp_path / "a", "random"))
    state = dict(checkpoint.load(tmp_path / "a" / "weights.safetensors").state_dict())
    torch.save(state, tmp_path / "w.pth")
    name = f"resnet18-{sha256(tmp_path / 'w.pth')[:8]}.pth"
    monkeypatch.setitem(table.PUBLISHED, "resnet18", Published(name))
    task = _task(tmp_path / "b", "imagenet", locations={"source": tmp_path / "w.pth"})
    weights.run(task)
    ours, metadata = read_safetensors(task.outputs["weights"])
    assert torch.equal(ours["conv1.weight"], state["conv1.weight"])
    assert metadata["file"] == name


def test_an_unknown_kind_is_an_error(tmp_path):
    with pytest.raises(MedadError, match="got 'medical', allowed random, imagenet or file"):
        weights.run(_task(tmp_path / "a", "medical"))
