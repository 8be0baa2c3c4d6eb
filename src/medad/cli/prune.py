"""`medad prune`: list results that the configuration no longer asks for and nothing here rests on.

`--apply` removes them; the store restores them when they are asked for again. Files that it could
not restore stay, and are listed with the reason.
"""

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
    parser.add_argument("--apply", action="store_true", help="remove them")
    parser.add_argument("--config", nargs="*", default=[], metavar="KEY=VALUE", help="overrides")
    options = parser.parse_args(arguments)
    root = project()
    lock = try_lock(root / RUN_LOCK)
    if lock is None:
        raise MedadError("a run is active in this folder; prune when it has ended")
    found = orphans(Plan(root, load(root, overrides(options.config))))
    for path in found.paths:
        print(path)
    for path, why in found.kept.items():
        print(f"kept: {path} ({why})")
    if options.apply:
        remove(root, found.paths)
    print(f"{len(found.paths)} orphans {'removed' if options.apply else '(--apply removes them)'}")
    return 0
