from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from medad.errors import MedadError
from medad.lineage.locks import Parent, locked, try_lock


def test_a_lock_is_held_by_one_and_freed_by_death(tmp_path: Path) -> None:
    path = tmp_path / "a" / "lock"
    first = try_lock(path)
    assert first is not None
    assert try_lock(path) is None
    first.close()
    code = (
        "import sys, time; from pathlib import Path; from medad.lineage.locks import try_lock;"
        "held = try_lock(Path(sys.argv[1])); print('held', flush=True); time.sleep(60)"
    )
    child = subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE)
    assert child.stdout is not None
    assert child.stdout.readline() == b"held\n"
    assert try_lock(path) is None
    child.kill()
    child.wait()
    with locked(path):
        pass


def test_a_child_dies_with_its_parent(tmp_path: Path) -> None:
    child = (
        "import os, time; from medad.lineage.locks import Parent; Parent().follow();"
        "print(os.getpid(), flush=True); time.sleep(60)"
    )
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    for _ in range(100):
        if not _alive(pid):
            break
        time.sleep(0.1)
    assert not _alive(pid)


def test_an_orphan_may_not_write() -> None:
    parent = Parent()
    parent.require()
    parent.pid = 0
    with pytest.raises(MedadError, match="the run that started this job has ended"):
        parent.require()


def _alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        return sys.platform != "linux"
    return state != "Z"
