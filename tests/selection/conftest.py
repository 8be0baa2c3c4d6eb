"""A project small enough to run a whole study, and one trial of it."""

import shutil
from concurrent.futures import Future
from pathlib import Path

import pytest
import torch
import yaml

from medad.selection import study
from medad.selection.protocol import Protocol

ROOT = Path(__file__).parents[2]


@pytest.fixture
def project(tmp_path):
    """A root with the shipped params.yaml, made small: 48 px phantom, 4 pairs, 2 epochs."""
    values = yaml.safe_load((ROOT / "params.yaml").read_text())
    values["datasets"]["phantom"] |= {"healthy": 20, "anomalous": 3, "duplicates": 3, "side": 48}
    values["image"]["side"] = 48
    values["synthesis"]["consult"]["pairs"] = 4
    values["stage1"]["consult"] |= {"epochs": 2, "healthy": 2, "anomalous": 2}
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(values))
    shutil.copytree(ROOT / "workflow/presets", tmp_path / "workflow/presets")
    (tmp_path / "Snakefile").write_text("")
    return tmp_path


@pytest.fixture
def study_file(project):
    """Two candidates, two draws, one lesion a family."""
    content = yaml.safe_load((ROOT / "workflow/selection/consult.yaml").read_text())
    source = content["sources"]["phantom"] | {"draws": 2}
    content |= {
        "lesions": 1,
        "resamples": 100,
        "sources": {"phantom": source},
        "candidates": {
            "start": content["candidates"]["imagenet"],
            "plain": {"attention": "none"},
        },
    }
    path = project / "study.yaml"
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    return path


class _Here:
    """ProcessPoolExecutor that computes at once, in this process."""

    def __init__(self, **_):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def shutdown(self, **_):
        pass

    def submit(self, function, *arguments):
        future = Future()
        future.set_result(function(*arguments))
        return future


@pytest.fixture
def one_process(monkeypatch):
    """Studies run in this process."""
    monkeypatch.setattr(study, "ProcessPoolExecutor", _Here)


@pytest.fixture
def protocol_of():
    """Function: names of candidates -> a protocol of sources a and b."""

    def make(names):
        content = yaml.safe_load((ROOT / "workflow/selection/consult.yaml").read_text())
        source = content["sources"]["phantom"] | {"draws": 2}
        content |= {"sources": {"a": source, "b": source}, "candidates": {n: {} for n in names}}
        return Protocol.model_validate(content)

    return make


@pytest.fixture(autouse=True)
def _one_thread():
    """Networks this small are slower on several threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
