from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

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


@pytest.mark.parametrize("what", ["parameters", "code"])
def test_parameters_or_code_that_change_during_a_step_void_it(
    copy: Callable[[], Project], monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    project = copy()
    root = project.root
    monkeypatch.setattr(runner, "PACKAGE", root / "src/medad")
    shutil.rmtree(root / ".prov/index")
    output = root / "results/shots/phantom/grouped/k2/r0.csv"
    output.unlink()

    def meddle(task: object) -> float:
        if what == "parameters":
            half = read_json(root / KEY)
            write_json(root / KEY, {**half, "threads": 9})
        else:
            project.edit("src/medad/steps/shots.py")
        return original(task)  # type: ignore[arg-type]

    original = runner._compute
    monkeypatch.setattr(runner, "_compute", meddle)
    with pytest.raises(MedadError, match="parameters or code changed during the run; run again"):
        run(root)
    assert not output.exists()
    assert not list((root / ".prov/tmp").iterdir())
    assert not list((root / ".prov").glob("index/*.json"))


def test_an_input_that_is_not_what_was_made_is_refused(copy: Callable[[], Project]) -> None:
    root = copy().root
    split = root / "results/splits/phantom/grouped.parquet"
    split.write_bytes(split.read_bytes() + b" ")
    with pytest.raises(MedadError, match=r"grouped\.parquet: changed since it was made; delete it"):
        run(root)


def test_what_steps_keep_for_each_other_is_bound_to_the_code_that_makes_it() -> None:
    def folder(code: dict[str, str]) -> Path:
        job: Any = SimpleNamespace(root=Path(), half=SimpleNamespace(code=code))
        return runner._cache(job)

    code = {"data/decoding.py": "a", "detectors/padim.py": "b"}
    assert folder(code) == folder({**code, "detectors/padim.py": "c"})
    assert folder(code) != folder({**code, "data/decoding.py": "c"})


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


def test_a_device_that_is_not_there(
    copy: Callable[[], Project], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    root = copy().root
    shutil.rmtree(root / ".prov/index")
    settings = read_json(root / runner.SETTINGS)
    write_json(root / runner.SETTINGS, {**settings, "device": "cuda"})
    target = "results/heads/phantom/grouped/padim/k2/r0.manifest.json"
    with pytest.raises(MedadError, match="device: got 'cuda' but torch sees no GPU"):
        run(root, target, ".prov/keys/head/phantom.padim.json")


def test_results_are_deterministic_without_the_compilers_start(finished: Project) -> None:
    """torch.use_deterministic_algorithms alone would import a second of settings of inductor."""
    code = (
        "import sys; from pathlib import Path; from types import SimpleNamespace as S; "
        "from medad.lineage import runner; import torch; "
        "runner._device(S(root=Path('.'), half=S(threads=1))); "
        "assert torch.are_deterministic_algorithms_enabled(); "
        "assert not torch.is_deterministic_algorithms_warn_only_enabled(); "
        "assert torch.get_num_threads() == 1; "
        "assert 'torch._inductor' not in sys.modules"
    )
    finished.run(sys.executable, "-c", code)
