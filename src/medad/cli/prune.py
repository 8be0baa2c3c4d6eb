"""`medad prune`: list what the configuration no longer asks for; `--apply` removes it."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from medad.cli.common import overrides, project
from medad.config.load import load
from medad.errors import MedadError
from medad.lineage.locks import try_lock
from medad.lineage.prune import orphans, remove
from medad.lineage.session import RUN_LOCK
from medad.plan import Plan


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="medad prune", description=__doc__)
    parser.add_argument("--apply", action="store_true", help="remove them (the store keeps a copy)")
    parser.add_argument("--config", nargs="*", default=[], metavar="KEY=VALUE", help="overrides")
    options = parser.parse_args(arguments)
    root = project()
    lock = try_lock(root / RUN_LOCK)
    if lock is None:
        raise MedadError("a run is active in this folder; prune when it has ended")
    found = orphans(Plan(root, load(root, overrides(options.config))))
    for path in found:
        print(path)
    if options.apply:
        remove(root, found)
    print(f"{len(found)} orphans {'removed' if options.apply else '(--apply removes them)'}")
    return 0
