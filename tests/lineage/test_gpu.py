from __future__ import annotations

import os
from pathlib import Path

import pytest

from medad.lineage import environment, gpu


def test_a_clusters_own_choice_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3")
    assert gpu.lease(tmp_path) is None
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "3"


def test_two_jobs_never_share_a_device(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu, "devices", lambda: 2)
    seen, held = [], []
    for _ in range(3):
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
        held.append(gpu.lease(tmp_path))
        seen.append(os.environ.get("CUDA_VISIBLE_DEVICES"))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert seen == ["0", "1", None]
    assert held[2] is None
    for stream in held[:2]:
        assert stream is not None
        stream.close()


def test_devices_are_those_of_the_machine() -> None:
    assert (gpu.devices() > 0) == environment.has_gpu()
