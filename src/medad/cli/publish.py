"""`medad publish RESULT ... FOLDER`: tables and figures with what they rest on."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from medad.cli.common import project
from medad.lineage.graph import relative
from medad.lineage.publish import publish


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="medad publish", description=__doc__)
    parser.add_argument("results", nargs="+", help="such as results/tables/table1.csv")
    parser.add_argument("folder", type=Path, help="such as docs/results/table1")
    options = parser.parse_args(arguments)
    root = project()
    results = [relative(root, result) for result in options.results]
    packed = publish(root, results, options.folder)
    print(f"{len(packed)} files packed into {options.folder}/evidence")
    return 0
