"""Where a step ran: libraries, machine, repository. Recorded, and part of the key if strict."""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
import sys
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

# Libraries whose version can change a result's bytes.
LIBRARIES = (
    "matplotlib",
    "nibabel",
    "numpy",
    "opencv-python-headless",
    "pillow",
    "pyarrow",
    "safetensors",
    "scipy",
    "torch",
)
WATCHED = ("src", "workflow", "Snakefile", "params.yaml")


@cache
def libraries() -> dict[str, str]:
    """Installed versions, without importing anything."""
    found = {"python": platform.python_version()}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "absent"
    return found


@cache
def machine() -> dict[str, str]:
    """Host, processor and accelerator."""
    return {
        "host": platform.node(),
        "system": platform.platform(),
        "cpu": _cpu(),
        "cores": str(os.cpu_count()),
        "gpu": _gpu(),
    }


def has_gpu() -> bool:
    """Whether an NVIDIA device is present, found without importing torch."""
    return Path("/dev/nvidia0").exists()


@cache
def repository(root: Path) -> dict[str, str | None]:
    """Commit, and a digest of the uncommitted changes of what results depend on."""
    commit = _git(root, "rev-parse", "HEAD")
    if commit is None:
        return {"commit": None, "diff": None}
    present = [name for name in WATCHED if (root / name).exists()]
    changes = _git(root, "diff", "HEAD", "--", *present) or ""
    new = _git(root, "ls-files", "--others", "--exclude-standard", "--", *present) or ""
    dirty = hashlib.sha256((changes + new).encode()).hexdigest() if changes or new else None
    return {"commit": commit.strip(), "diff": dirty}


def engine() -> dict[str, Any]:
    """Which engine started this process, and its job's number where there is one."""
    return {
        "engine": "dvc" if "DVC_STAGE" in os.environ else "snakemake",
        "stage": os.environ.get("DVC_STAGE"),
        "slurm_job": os.environ.get("SLURM_JOB_ID"),
        "pid": os.getpid(),
        "python": sys.version.split()[0],
    }


def _git(root: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=root, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout


def _cpu() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _gpu() -> str:
    if not has_gpu():
        return "none"
    names = sorted(Path("/proc/driver/nvidia/gpus").glob("*/information"))
    models = [line for path in names for line in path.read_text().splitlines() if "Model" in line]
    driver = Path("/proc/driver/nvidia/version")
    suffix = driver.read_text().splitlines()[0].strip() if driver.exists() else ""
    return "; ".join([*(line.partition(":")[2].strip() for line in models), suffix])
