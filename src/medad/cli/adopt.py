"""`medad adopt [FOLDER]`: take over results from `dvc pull`, or from a published folder."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from medad.cli.common import project
from medad.files import write_json
from medad.lineage import adopt
from medad.lineage.verify import UNPUBLISHED


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="medad adopt", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, help="made by `medad publish`")
    options = parser.parse_args(arguments)
    root = project()
    if options.folder is not None:
        print(f"{adopt.unpack(options.folder, root)} files placed")
    adopted = adopt.adopt(root)
    if options.folder is not None:
        write_json(root / UNPUBLISHED, adopted.absent)
    print(f"{adopted.complete} steps verified, {adopted.partial} known by their manifest alone")
    return 0
