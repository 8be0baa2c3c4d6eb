"""`medad crate TARGET OUT`: a Provenance Run Crate, with the images by hash only."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from medad.cli.common import project
from medad.lineage import crate
from medad.lineage.graph import relative


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="medad crate", description=__doc__)
    parser.add_argument("target", help="an artifact below results/, such as a table")
    parser.add_argument("out", type=Path, help="a new or empty folder")
    options = parser.parse_args(arguments)
    root = project()
    copied, hashed = crate.write(root, relative(root, options.target), options.out)
    print(f"{options.out}: {copied} files, and {hashed} more by hash alone")
    return 0
