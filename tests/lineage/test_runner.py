from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from project import Project

from medad.errors import MedadError
from medad.files import read_json, write_json
from medad.lineage import runner
from medad.lineage.locks import Parent

pytestmark = pytest.mark.engine
TARGET = "results/shots/phantom/grouped/k2/r0.manifest.json"
KEY = ".prov/keys/shots/phantom.grouped.json"


def silent(done: int, total: int, text: str) -> None:
    """Progress of nobody."""


def run(root: Path, target: str = TARGET, key: str = KEY) -> None:
    runner.run(root, root / key, [target], "x.log", silent, Parent())


def test_a_known_step_is_restored_and_a_lost_one_computed_to_the_same_bytes(
    copy: Callable[[], Project],
) -> None:
    project = copy()
    output = project.root / "results/shots/phantom/grouped/k2/r0.csv"
    before, count = output.read_bytes(), len(project.records())
    output.unlink()
    run(project.root)
    assert output.read_bytes() == before
    shutil.rmtree(project.root / ".prov/index")
    output.unlink()
    run(project.root)
    assert output.read_bytes() == before
    assert [r["action"] for r in project.records()[count:]] == ["restored", "computed"]


def test_a_missing_input_is_named_with_its_remedy(copy: Callable[[], Project]) -> None:
    root = copy().root
    (root / "results/splits/phantom/grouped.parquet").unlink()
    run(root)  # restored: its manifest says what the input was
    shutil.rmtree(root / ".prov/index")
    with pytest.raises(MedadError, match=r"grouped\.parquet: missing input; make it with `snake"):
        run(root)


def test_parameters_that_change_during_a_step_void_it(
    copy: Callable[[], Project], monkeypatch: pytest.MonkeyPatch
) -> None:
    root = copy().root
    shutil.rmtree(root / ".prov/index")
    output = root / "results/shots/phantom/grouped/k2/r0.csv"
    output.unlink()

    def meddle(task: object) -> float:
        half = read_json(root / KEY)
        write_json(root / KEY, {**half, "threads": 9})
        return original(task)  # type: ignore[arg-type]

    original = runner._compute
    monkeypatch.setattr(runner, "_compute", meddle)
    with pytest.raises(MedadError, match="parameters or code changed while it ran; run again"):
        run(root)
    assert not output.exists()
    assert not list((root / ".prov/tmp").iterdir())


def test_a_full_disk_loses_and_leaves_nothing(
    copy: Callable[[], Project], monkeypatch: pytest.MonkeyPatch
) -> None:
    root = copy().root
    shutil.rmtree(root / ".prov/index")
    output = root / "results/shots/phantom/grouped/k2/r0.csv"
    before = output.read_bytes()

    def full(source: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    shutil.rmtree(root / ".dvc/cache", ignore_errors=True)
    monkeypatch.setattr("medad.lineage.store.copy", full)
    with pytest.raises(OSError, match="No space left on device"):
        run(root)
    assert output.read_bytes() == before
    assert not list((root / ".prov/tmp").iterdir())
    assert not list((root / ".dvc/cache").rglob("*.*"))


def test_a_device_that_is_not_there(copy: Callable[[], Project]) -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is one here")
    root = copy().root
    shutil.rmtree(root / ".prov/index")
    settings = read_json(root / runner.SETTINGS)
    write_json(root / runner.SETTINGS, {**settings, "device": "cuda"})
    target = "results/heads/phantom/grouped/padim/k2/r0.manifest.json"
    with pytest.raises(MedadError, match="device: got 'cuda' but torch sees no GPU"):
        run(root, target, ".prov/keys/head/phantom.padim.json")
