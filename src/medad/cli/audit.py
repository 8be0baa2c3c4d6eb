"""`medad audit`: which images, parameters, code, weights, seeds and machine made a number."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from medad.cli.common import project
from medad.errors import MedadError
from medad.lineage import subject
from medad.lineage.graph import relative
from medad.lineage.subject import Subject


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="medad audit", description=__doc__)
    parser.add_argument(
        "target", nargs="?", help="an artifact below results/, such as a table; --run needs none"
    )
    parser.add_argument("--row", help="a row of the table, such as CONSULT")
    parser.add_argument("--column", help="a column of the table, such as K4")
    parser.add_argument("--dataset", help="needed when the table holds several")
    parser.add_argument("--split", help="needed when the table holds several")
    parser.add_argument(
        "--run", metavar="DATASET/SPLIT/METHOD/kK/rR", help="one run instead of a row and a column"
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="machine-readable, with every image")
    form.add_argument("--dot", action="store_true", help="the steps as a Graphviz digraph")
    options = parser.parse_args(arguments)
    root = project()
    chosen = _subject(root, options)
    if options.dot:
        from medad.lineage.dot import digraph

        print(digraph(chosen.name or chosen.target, chosen.nodes), end="")
        return 0
    from medad.lineage.audit import report

    found = report(root, chosen)
    if options.json:
        print(json.dumps(found, indent=1))
    else:
        from medad.cli.audit_tree import show

        show(found)
    return 0


def _subject(root: Path, options: argparse.Namespace) -> Subject:
    """What the options ask for; MedadError when they do not go together."""
    target = None if options.target is None else relative(root, options.target)
    cell = {name: getattr(options, name) for name in ("row", "column", "dataset", "split")}
    if options.run is not None:
        if any(value is not None for value in cell.values()):
            raise MedadError("--run is one run by its full name; leave --row and the like out")
        return subject.of_run(root, options.run, target)
    if target is None:
        raise MedadError("audit: no target; name an artifact below results/, or a run by --run")
    if (options.row is None) != (options.column is None):
        raise MedadError("--row and --column go together: a cell has both")
    if options.row is None:
        if options.dataset or options.split:
            raise MedadError("--dataset and --split choose a cell; add --row and --column")
        return subject.of_artifact(root, target)
    return subject.of_cell(root, target, **cell)
