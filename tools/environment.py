"""Make .venv: everything in requirements.lock and this project, with nothing but Python 3.11.

`make` runs it. With a torch that is already installed, `make PYTHON=/path/to/python` uses that
one and adds only the rest. Nothing is done when the environment is already what it should be.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
LOCK, CUDA_LOCK = ROOT / "requirements.lock", ROOT / "requirements-cuda.lock"
# The default build of torch with its CUDA libraries; the rest; and the CPU build.
NEEDED_GB, NEEDED_GB_WITH_TORCH = 9, 2.5


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reuse-torch", action="store_true", help="take torch from this Python")
    options = parser.parse_args()
    stamp = VENV / ".complete"
    wanted = _fingerprint(options.reuse_torch)
    if stamp.exists() and stamp.read_text() == wanted:
        return 0
    problem = _problem(options.reuse_torch)
    if problem:
        print(f"medad: {problem}", file=sys.stderr)
        return 2
    print(f"installing into {VENV.name}; a few minutes", flush=True)
    shutil.rmtree(VENV, ignore_errors=True)
    # Run from an activated .venv, this interpreter has just been deleted; the one below it has not.
    below = Path(sys.base_prefix, "bin", f"python{sys.version_info[0]}.{sys.version_info[1]}")
    interpreter = str(below) if Path(sys.prefix) == VENV else sys.executable
    subprocess.run([interpreter, "-m", "venv", str(VENV)], check=True)
    python = VENV / "bin" / "python"
    pip = [str(python), "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    lock, torch = VENV / "rest.lock", VENV / "torch.lock"
    pinned = re.search(r"(?ms)^torch==.*?(?=^\S)", LOCK.read_text())
    assert pinned is not None, "requirements.lock pins torch"
    torch.write_text(pinned.group())
    lock.write_text(LOCK.read_text().replace(pinned.group(), ""))
    hashed = [*pip, "--no-deps", "--require-hashes"]
    if options.reuse_torch:
        site = Path(sysconfig.get_path("purelib", vars={"base": str(VENV)}))
        (site / "torch_of_another.pth").write_text(sysconfig.get_path("purelib") + "\n")
        # What else that Python has must not count as installed here: its commands would be missing.
        pip.append("--ignore-installed")
        hashed.append("--ignore-installed")
    else:
        # A wheel at hand (pip's find-links), such as the small CPU build, wins over a download.
        local = subprocess.run([*hashed, "-r", str(torch), "--no-index"], capture_output=True)
        if local.returncode:
            subprocess.run([*hashed, "-r", str(torch)], check=True)
        if _is_cuda_build(python):
            subprocess.run([*hashed, "-r", str(CUDA_LOCK)], check=True)
    subprocess.run([*hashed, "-r", str(lock)], check=True)
    subprocess.run([*pip, "--no-deps", "--no-build-isolation", "-e", str(ROOT)], check=True)
    stamp.write_text(wanted)
    return 0


def _fingerprint(reuse: bool) -> str:
    content = b"".join(path.read_bytes() for path in (LOCK, CUDA_LOCK, ROOT / "pyproject.toml"))
    return f"{hashlib.sha256(content).hexdigest()} {sys.executable if reuse else ''}"


def _problem(reuse: bool) -> str | None:
    if sys.version_info[:2] != (3, 11):
        found = ".".join(map(str, sys.version_info[:2]))
        return f"got Python {found}; requirements.lock is for 3.11; set PYTHON= to a python3.11"
    if any(importlib.util.find_spec(name) is None for name in ("venv", "ensurepip")):
        return (
            "Python's venv module is missing; install it (on Debian: apt install python3.11-venv)"
        )
    if reuse and importlib.util.find_spec("torch") is None:
        return f"PYTHON={sys.executable} has no torch; leave PYTHON unset to install one"
    free = shutil.disk_usage(ROOT).free / 1e9
    needed = NEEDED_GB_WITH_TORCH if reuse else NEEDED_GB
    if free < needed:
        return (
            f"{free:.1f} GB free here, {needed} GB needed (torch's default build is 6 GB); make "
            "room, or set PYTHON= to a Python 3.11 that already has torch"
        )
    return None


def _is_cuda_build(python: Path) -> bool:
    """Whether the torch just installed asks for CUDA libraries, read from its metadata."""
    code = (
        "from importlib.metadata import requires;"
        "print(any('nvidia' in line or 'cuda' in line for line in requires('torch') or []))"
    )
    done = subprocess.run([str(python), "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip() == "True"


if __name__ == "__main__":
    raise SystemExit(main())
