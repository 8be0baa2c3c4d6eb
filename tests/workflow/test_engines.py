"""Snakemake and DVC over the same steps: equal bytes, and neither makes what the other has made."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from project import Project

pytestmark = [pytest.mark.engine, pytest.mark.slow]
PADIM = ("head:padim", "score:padim", "metrics:padim", "intervals", "table")


@pytest.fixture(scope="module")
def committed(finished: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Read only: a finished project whose stages are committed to DVC."""
    project = finished.copy(tmp_path_factory.mktemp("engines") / "committed").without_tracking()
    assert project.medad("dvc", "commit").stdout.startswith("committed: data, draws")
    project.commit()
    return project


@pytest.fixture
def copied(committed: Project, tmp_path: Path) -> Project:
    """A copy of the committed project."""
    return committed.copy(tmp_path / "copied")


def test_dvc_and_snakemake_make_the_same_bytes_and_take_turns(
    finished: Project, copied: Project, tmp_path: Path
) -> None:
    by_dvc = finished.fresh(tmp_path / "dvc").without_tracking()
    by_dvc.dvc("repro")
    assert by_dvc.contents() == finished.contents()
    assert len(by_dvc.contents("tables", "figures")) == 6
    steps = by_dvc.actions()
    assert {action for action, _ in steps} == {"computed"}
    by_dvc.snakemake()
    assert by_dvc.actions() == steps

    copied.edit("params.yaml")  # stages start, Snakemake has nothing to do
    before = len(copied.records())
    copied.dvc("repro")
    assert len(copied.records()) == before
    assert copied.contents() == finished.contents()


def test_touching_every_file_plans_nothing(copied: Project) -> None:
    outside = {".git", ".snakemake", "cache", "home"}
    touched = 0
    for path in sorted(copied.root.rglob("*")):
        if path.is_file() and outside.isdisjoint(path.relative_to(copied.root).parts):
            path.touch()
            touched += 1
    assert touched > len(copied.contents())
    assert copied.planned() == set()


def test_results_that_dvc_brings_back_plan_nothing(copied: Project, finished: Project) -> None:
    shutil.rmtree(copied.root / "results")
    copied.dvc("checkout")
    assert copied.contents() == finished.contents()
    assert copied.planned() == set()


@pytest.fixture(params=["folder", "s3"])
def remote(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[Project], None]]:
    """Gives a project a DVC remote: a folder, or a bucket of a server on this machine."""
    if request.param == "folder":
        yield lambda project: _remote(project, str(tmp_path / "remote"))
        return
    import boto3
    from moto.server import ThreadedMotoServer

    dummy = {"ACCESS_KEY_ID": "test", "SECRET_ACCESS_KEY": "test", "DEFAULT_REGION": "us-east-1"}
    for name, value in dummy.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    endpoint = "http://{}:{}".format(*server.get_host_and_port())
    boto3.client("s3", endpoint_url=endpoint).create_bucket(Bucket="medad")
    yield lambda project: _remote(project, "s3://medad/project", endpointurl=endpoint)
    server.stop()


def _remote(project: Project, url: str, **options: str) -> None:
    project.dvc("remote", "add", "--default", "--local", "shared", url)
    for name, value in options.items():
        project.dvc("remote", "modify", "--local", "shared", name, value)


def test_a_fresh_clone_adopts_what_dvc_pulls(
    committed: Project, finished: Project, tmp_path: Path, remote: Callable[[Project], None]
) -> None:
    origin = committed.copy(tmp_path / "origin")
    images = Path("data/raw/mine/healthy")
    (origin.root / images).mkdir(parents=True)
    (origin.root / images / "1.png").write_bytes(b"an image")
    origin.dvc("add", str(images.parent))
    origin.commit()
    remote(origin)
    origin.dvc("push")
    assert origin.git("status", "--porcelain") == ""
    clone = origin.fresh(tmp_path / "clone")
    remote(clone)
    clone.dvc("pull")
    assert clone.contents() == finished.contents()
    assert (clone.root / images / "1.png").read_bytes() == b"an image"
    assert "31 steps verified, 0 known" in clone.medad("adopt").stdout
    assert clone.planned() == set()
    assert clone.dvc("status").stdout.strip() == "Data and pipelines are up to date."
    assert clone.git("status", "--porcelain") == ""


def test_without_snakemakes_memory_everything_is_restored(
    copied: Project, finished: Project
) -> None:
    shutil.rmtree(copied.root / ".snakemake")
    before = len(copied.records())
    copied.snakemake("--forceall")
    assert {action for action, _ in copied.actions(before)} == {"restored"}
    assert len(copied.records()) == 2 * before
    assert copied.contents() == finished.contents()

    shutil.rmtree(copied.root / ".snakemake")
    copied.change({"methods": {"padim": {"override": {"detector": {"regularisation": 0.1}}}}})
    copied.snakemake()
    actions = copied.actions(2 * before)
    assert {step for action, step in actions if action == "computed"} == set(PADIM)


def test_only_finished_stages_are_committed(copied: Project) -> None:
    assert copied.dvc("status").stdout.strip() == "Data and pipelines are up to date."
    lock = (copied.root / "dvc.lock").read_bytes()
    copied.snakemake("all", "--config", "evaluation={smoothing: 3.0}")
    overridden = copied.medad("dvc", "commit", "scores", check=False)
    copied.change({"detectors": {"padim": {"dimensions": 30}}})
    copied.snakemake("stage_heads")
    partial = copied.medad("dvc", "commit", "heads", "scores", check=False)
    for refused in (overridden, partial):
        assert refused.returncode == 2
        assert refused.stderr.startswith("medad: stage scores is not finished")
        assert len(refused.stderr.splitlines()) == 1
    assert (copied.root / "dvc.lock").read_bytes() == lock


def test_a_dry_run_sees_a_change_and_writes_nothing(copied: Project) -> None:
    def written() -> dict[str, int]:
        folders = [copied.root / name for name in (".prov", "results", "logs", ".dvc")]
        files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
        return {path.as_posix(): path.stat().st_mtime_ns for path in files}

    copied.change({"seed": 1})
    before = written()
    assert len(copied.planned()) == 19
    assert written() == before


def test_the_only_lint_is_that_of_the_software_environment(committed: Project) -> None:
    said = committed.snakemake("--lint", check=False)
    lints = re.findall(r"^ +\* (.*)$", said.stdout + said.stderr, flags=re.M)
    assert set(lints) == {"Specify a conda environment or container for each rule.:"}


def test_every_rule_that_makes_files_has_a_log_and_a_benchmark(committed: Project) -> None:
    rules = {}
    for path in sorted((committed.root / "workflow/rules").glob("*.smk")):
        parts = re.split(r"^rule (\w+):\n", path.read_text(), flags=re.M)
        rules.update(zip(parts[1::2], parts[2::2], strict=True))
    makers = {name: text for name, text in rules.items() if re.search(r"^    output:", text, re.M)}
    assert len(makers) == 14
    for name, text in makers.items():
        assert f'log: "logs/{name}/' in text
        assert f'benchmark: "logs/benchmarks/{name}/' in text


def test_a_second_run_is_refused_in_one_line(copied: Project) -> None:
    copied.change({"evaluation": {"smoothing": 3.0}})
    command = [sys.executable, "-m", "snakemake", "all", "--cores", "1"]
    with subprocess.Popen(
        command,
        cwd=copied.root,
        env=copied.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as first:
        _wait_for_a_job(copied, first)
        first.send_signal(signal.SIGSTOP)
        try:
            second = copied.snakemake("all", check=False)
            dry = copied.planned()
        finally:
            first.send_signal(signal.SIGCONT)
        assert first.wait() == 0
    assert second.returncode == 2
    said = [line for line in second.stderr.splitlines() if "profile" not in line]
    assert said == [
        "medad: another run is active in this folder; wait for it, or use a dry run (-n)"
    ]
    assert dry
    assert copied.planned() == set()


def _wait_for_a_job(project: Project, run: subprocess.Popen[bytes]) -> None:
    """Until the run has started a job, and so holds the lock."""
    began = (project.root / "params.yaml").stat().st_mtime_ns
    logs = project.root / "logs"
    while not any(path.stat().st_mtime_ns > began for path in logs.glob("*/*.log")):
        assert run.poll() is None
        time.sleep(0.01)
