"""`medad verify [TARGET]`: exit status 1 when anything differs from what was recorded."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from itertools import groupby

from medad import layout
from medad.cli.common import project
from medad.lineage.blame import Resting
from medad.lineage.graph import relative
from medad.lineage.verify import Finding, verify


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="medad verify", description=__doc__)
    what = parser.add_mutually_exclusive_group()
    what.add_argument("target", nargs="?", help="an artifact: only what it rests on")
    what.add_argument("--all", action="store_true", help="everything, as without a target")
    parser.add_argument("--json", action="store_true", help="machine-readable")
    options = parser.parse_args(arguments)
    root = project()
    target = None if options.target is None else relative(root, options.target)
    findings, notes = verify(root, target)
    if options.json:
        rows = [_row(finding) for finding in findings]
        print(json.dumps({"findings": rows, "notes": notes}, indent=1))
        return 1 if findings else 0
    for (_, rests), group in groupby(findings, lambda one: (one.path, one.resting)):
        for finding in group:
            print(_plain(f"{finding.path}: {finding.problem}"))
        _show(rests)
    for note in notes:
        print(f"note: {_plain(note)}")
    if findings:
        print(f"{len(findings)} problems")
    elif not any((root / "results").glob(f"*/**/*{layout.MANIFEST}")):
        print("nothing to verify: no results here")
    else:
        print(f"verified: nothing has changed{'; see the notes' if notes else ''}")
    return 1 if findings else 0


def _row(finding: Finding) -> dict[str, object]:
    rests = finding.resting
    return {
        "path": finding.path,
        "problem": finding.problem,
        "cells": list(rests.cells),
        "figures": list(rests.figures),
        "metrics": rests.metrics,
    }


def _show(rests: Resting) -> None:
    for name in (*rests.cells, *rests.figures):
        print(_plain(f"    rests on it: {name}"))
    if rests.metrics and not rests.cells:
        print(f"    rest on it: {rests.metrics} metrics files in no table")


def _plain(text: str) -> str:
    """A file's name may hold what a terminal obeys or a line's end; these are shown escaped."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
