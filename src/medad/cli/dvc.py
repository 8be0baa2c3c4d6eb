"""`medad dvc commit [STAGE ...]`: commit to DVC what Snakemake made, if it is complete. `medad dvc
metrics`: write the numbers of the tables for `dvc metrics`, `dvc plots` and `dvc exp`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from medad.cli.common import project
from medad.errors import MedadError
from medad.lineage import summary
from medad.lineage.milestones import ALL, commit


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="medad dvc", description=__doc__)
    parser.add_argument("action", choices=["commit", "metrics"])
    parser.add_argument("stages", nargs="*", help=f"all of: {', '.join(ALL)}")
    options = parser.parse_args(arguments)
    unknown = sorted(set(options.stages) - set(ALL))
    if unknown:
        parser.error(f"unknown stage {unknown[0]!r}; allowed: {', '.join(ALL)}")
    if options.action == "metrics":
        if options.stages:
            raise MedadError(f"medad dvc metrics: got {options.stages[0]!r}; it takes no stage")
        print(f"{summary.FOLDER}: {', '.join(summary.write(project()))}")
        return 0
    stages = options.stages or list(ALL)
    commit(project(), stages)
    print(f"committed: {', '.join(stages)}")
    return 0
