from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from project import Project

from medad.cli.main import main
from medad.tracking import track


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project without results."""
    for name in ("Snakefile", "params.yaml"):
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setattr("os.execve", _not_here)
    return tmp_path


def _not_here(*_: object) -> None:
    raise AssertionError("the tests' own process would become MLflow")


def test_without_a_store_it_says_what_makes_one(
    empty: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["mlflow"])
    assert stopped.value.code == 2
    said = capsys.readouterr().err
    assert "no MLflow store yet; run `snakemake --cores 8` or `medad track`" in said
    assert not (empty / "mlflow.db").exists()


def test_a_server_has_its_own_pages(
    empty: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://mlflow.example.org:5000")
    assert main(["mlflow"]) == 0
    assert "http://mlflow.example.org:5000" in capsys.readouterr().out


def test_a_port_that_is_taken_or_none_is_one_line(
    empty: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (empty / "mlflow.db").touch()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        for port in (taken.getsockname()[1], 70000):
            with pytest.raises(SystemExit) as stopped:
                main(["mlflow", "--port", str(port)])
            assert stopped.value.code == 2
    first, second = capsys.readouterr().err.splitlines()
    assert "choose others with --host and --port" in first
    assert second == "medad: --port: got 70000; allowed: 1 to 65535"


def _free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as found:
        return int(found.getsockname()[1])


def _ask(address: str, body: dict[str, Any] | None = None) -> bytes:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(address, data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return bytes(answer.read())


@pytest.mark.engine
def test_the_pages_show_the_experiment_and_the_files_of_a_table(
    copy: Callable[[], Project],
) -> None:
    project = copy()
    track(project.root)  # or the files that are shown are the original's
    port = _free_port()
    server = subprocess.Popen(
        [sys.executable, "-m", "medad", "mlflow", "--port", str(port)],
        cwd=project.root,
        env=project.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    place = f"http://127.0.0.1:{port}"
    try:
        while True:
            assert server.poll() is None
            try:
                assert _ask(f"{place}/health") == b"OK"
                break
            except OSError:
                time.sleep(0.2)
        api = f"{place}/api/2.0/mlflow"
        found = json.loads(_ask(f"{api}/experiments/search", {"max_results": 100}))
        named = {one["name"]: one["experiment_id"] for one in found["experiments"]}
        assert "medad/table1" in named
        wanted = {
            "experiment_ids": [named["medad/table1"]],
            "filter": "tags.`medad.kind` = 'table'",
        }
        (run,) = json.loads(_ask(f"{api}/runs/search", wanted))["runs"]
        files = f"{place}/get-artifact?path=table1.csv&run_uuid={run['info']['run_id']}"
        assert _ask(files) == project.table()
    finally:
        server.terminate()
        server.wait()
