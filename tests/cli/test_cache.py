from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from project import Project

from medad.cli import cache
from medad.errors import MedadError
from medad.lineage.locks import try_lock

STRAY = ".dvc/cache/files/md5/ab/0123456789abcdef0123456789abcd"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with nothing but a stray object."""
    folder = tmp_path / "project"
    (folder / STRAY).parent.mkdir(parents=True)
    (folder / STRAY).write_bytes(bytes(2_000))
    for name in ("Snakefile", "params.yaml"):
        (folder / name).touch()
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "none"))
    monkeypatch.chdir(folder)
    return folder


def test_nothing_is_removed_before_it_is_asked_for(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cache.main(["gc"]) == 0
    listed = capsys.readouterr().out.splitlines()
    assert listed == [
        f"object: {STRAY}  2000 bytes, orphan",
        "1 things of 0.002 MB (--apply removes them)",
    ]
    assert (root / STRAY).exists()
    cache.main(["gc", "--apply"])
    assert capsys.readouterr().out.endswith("1 things of 0.002 MB removed\n")
    assert not (root / STRAY).parent.exists()


@pytest.mark.parametrize(
    ("path", "who"), [(".prov/run.lock", "a run is active"), (".dvc/tmp/lock", "DVC is active")]
)
def test_nothing_is_collected_while_something_may_be_added(root: Path, path: str, who: str) -> None:
    lock = try_lock(root / path)
    assert lock is not None
    with lock, pytest.raises(MedadError, match=who):
        cache.main(["gc", "--apply"])
    assert (root / STRAY).exists()
    cache.main(["gc", "--apply"])


def test_a_shared_cache_is_collected_only_if_one_says_so(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    common = root.parent / "common"
    (root / ".dvc/cache").rename(common)
    (root / ".dvc/config").write_text("[cache]\n    dir = ../../common\n")
    stray = common / Path(STRAY).relative_to(".dvc/cache")
    with pytest.raises(MedadError, match=r"cache.dir: got .*common, outside this project"):
        cache.main(["gc", "--apply"])
    assert stray.exists()
    cache.main(["status"])
    assert "may be another project's" in capsys.readouterr().out
    cache.main(["gc", "--apply", "--shared"])
    assert not stray.exists()


def test_status_takes_no_options(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        cache.main(["status", "--apply"])
    assert stopped.value.code == 2
    assert "status takes no options" in capsys.readouterr().err
    assert (root / STRAY).exists()


@pytest.mark.engine
def test_status_counts_what_is_kept_by_what(copy: Callable[[], Project]) -> None:
    project = copy()
    outputs = [p for p in (project.root / ".dvc/cache").rglob("*") if p.is_file()]
    size = sum(path.stat().st_size for path in outputs) / 1e6
    text = project.medad("cache", "status").stdout
    present, rest = text.split("committed: ")
    assert f"object: {len(outputs)}, {size:.3f} MB" in present
    assert "index entry: 31, " in present
    assert "object: " not in rest
