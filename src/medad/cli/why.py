"""`medad why FILE`: why it would be made again, or would not."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from medad.cli.common import overrides, project
from medad.config.load import load
from medad.lineage.graph import relative
from medad.lineage.why import why
from medad.plan import Plan


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="medad why", description=__doc__)
    parser.add_argument("file", help="an artifact below results/")
    parser.add_argument(
        "--config", nargs="*", default=[], metavar="KEY=VALUE", help="as Snakemake's"
    )
    options = parser.parse_args(arguments)
    root = project()
    target = relative(root, options.file)
    reasons = why(Plan(root, load(root, overrides(options.config))), target)
    print("\n".join(reasons) if reasons else "it would not: it is what the configuration asks for")
    return 0
