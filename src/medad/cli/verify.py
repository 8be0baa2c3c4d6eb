"""`medad verify`: exit status 1 when anything differs from what was recorded."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict

from medad.cli.common import project
from medad.lineage.cells import affected
from medad.lineage.verify import verify


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="medad verify", description=__doc__)
    parser.add_argument("--json", action="store_true", help="machine-readable")
    options = parser.parse_args(arguments)
    root = project()
    findings, notes = verify(root)
    cells = [affected(root, finding.affected) for finding in findings]
    if options.json:
        rows = [{**asdict(f), "cells": c} for f, c in zip(findings, cells, strict=True)]
        print(json.dumps({"findings": rows, "notes": notes}, indent=1))
        return 1 if findings else 0
    for finding, names in zip(findings, cells, strict=True):
        print(f"{finding.path}: {finding.problem}")
        for name in names:
            print(f"    rests on it: {name}")
        if not names and finding.affected:
            print(f"    rest on it: {len(finding.affected)} metrics files in no table")
    for note in notes:
        print(f"note: {note}")
    print("verified: nothing has changed" if not findings else f"{len(findings)} problems")
    return 1 if findings else 0
