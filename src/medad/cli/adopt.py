"""`medad adopt [FOLDER]`: take over results from `dvc pull`, or from a published folder."""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from medad.cli.common import overrides, project
from medad.errors import MedadError
from medad.lineage import adopt, session


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="medad adopt", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, help="made by `medad publish`")
    parser.add_argument("--config", nargs="*", default=[], metavar="KEY=VALUE", help="overrides")
    options = parser.parse_args(arguments)
    root = project()
    if options.folder is not None:
        print(f"{adopt.unpack(options.folder, root)} files placed")
    adopted = adopt.adopt(root)
    print(f"{adopted.complete} steps verified, {adopted.partial} known by their manifest alone")
    plan = session.begin(root, overrides(options.config), [], main=True)
    session.release()
    keys = [root / path for path in plan.halves()]
    listings = sorted((root / ".prov" / "raw").glob("*.json"))
    adopt.same_age(root, [*keys, *listings])
    if adopted.partial == 0:
        _mark(root, options.config)
    return 0


def _mark(root: Path, config: Sequence[str]) -> None:
    """Let Snakemake record what is here as up to date; its content was verified above."""
    command = [sys.executable, "-m", "snakemake", "all", "--touch", "--forceall", "--cores", "1"]
    if config:
        command += ["--config", *config]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True)
    if done.returncode:
        raise MedadError(f"snakemake --touch failed: {done.stderr.strip().splitlines()[-1]}")
