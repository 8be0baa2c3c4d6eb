"""A copy of the project in another folder, and commands in it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from shutil import copy, copytree, ignore_patterns

ROOT = Path(__file__).resolve().parents[1]
COPIED = (
    *("src", "workflow", "profiles", "params.yaml", "Snakefile", "dvc.yaml"),
    *(".dvcignore", ".gitignore", ".dvc/config"),
)


def copied(root: Path) -> None:
    """Copy sources and parameters, and no result, to ``root``."""
    for name in COPIED:
        source, target = ROOT / name, root / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            copytree(source, target, ignore=ignore_patterns("__pycache__"))
        else:
            copy(source, target)


def timed(folder: Path, *command: str) -> float:
    """Seconds of a command in ``folder``, with its sources and this Python's programs."""
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(folder / "src"),
    }
    begun = time.perf_counter()
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr)
    return time.perf_counter() - begun
