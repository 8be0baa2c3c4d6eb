"""`medad track`: finished runs into MLflow, `--follow` while a run goes on; and what DVC shows."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from medad.cli.common import project
from medad.errors import MedadError
from medad.lineage import summary
from medad.lineage.locks import try_lock
from medad.lineage.session import RUN_LOCK
from medad.tracking import follow, track


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="medad track", description=__doc__)
    parser.add_argument("--follow", action="store_true", help="live curves until the run ends")
    parser.add_argument("--quiet", action="store_true", help="a failure is one warning")
    options = parser.parse_args(arguments)
    root = project()
    try:
        if options.follow:
            follow(root, 5.0, lambda: _running(root))
            return 0
        if (root / summary.FOLDER).is_dir():  # the other view of tables, once it was asked for
            summary.write(root)
        count = track(root)
    except MedadError as error:
        if not options.quiet:
            raise
        print(f"medad: warning: not logged to MLflow: {error}", file=sys.stderr)
        return 0
    if count or not options.quiet:
        print(f"{count} runs brought into MLflow", file=sys.stderr)
    return 0


def _running(root: Path) -> bool:
    """Whether a run holds this project's lock."""
    held = try_lock(root / RUN_LOCK)
    if held is not None:
        held.close()
    return held is None
