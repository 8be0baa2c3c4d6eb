"""`medad adopt [FOLDER]`: take over results from `dvc pull`, or from a published folder."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from medad.cli.common import project
from medad.lineage import adopt


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="medad adopt", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, help="made by `medad publish`")
    options = parser.parse_args(arguments)
    adopted = adopt.adopt(project(), options.folder)
    if options.folder is not None:
        print(f"{adopted.placed} files placed")
    print(f"{adopted.complete} steps verified, {adopted.partial} known by their manifest alone")
    return 0
