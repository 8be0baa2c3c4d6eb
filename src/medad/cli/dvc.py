"""`medad dvc commit [STAGE ...]`: commit to DVC what Snakemake made, if it is complete."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from medad.cli.common import project
from medad.lineage.milestones import commit
from medad.plan import STAGES


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="medad dvc", description=__doc__)
    parser.add_argument("action", choices=["commit"])
    parser.add_argument("stages", nargs="*", help=f"all of: {', '.join(STAGES)}")
    options = parser.parse_args(arguments)
    unknown = sorted(set(options.stages) - set(STAGES))
    if unknown:
        parser.error(f"unknown stage {unknown[0]!r}; allowed: {', '.join(STAGES)}")
    stages = options.stages or list(STAGES)
    commit(project(), stages)
    print(f"committed: {', '.join(stages)}")
    return 0
