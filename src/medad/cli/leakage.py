"""`medad leakage`: which images are copies of one another, and what that does to each AUROC."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Sequence
from typing import Any

from medad.cli.common import project
from medad.errors import MedadError
from medad.shot_counts import text

_PLACE = re.compile(r"([\w-]+)/([\w-]+)")


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="medad leakage", description=__doc__)
    parser.add_argument(
        "target", nargs="?", help="DATASET/SPLIT, or a table with --row and --column; default: all"
    )
    parser.add_argument("--row", help="a row of the table, such as CONSULT")
    parser.add_argument("--column", help="a column of the table, such as K4")
    parser.add_argument("--dataset", help="needed when the table holds several")
    parser.add_argument("--split", help="needed when the table holds several")
    parser.add_argument("--json", action="store_true", help="machine-readable: a list of reports")
    options = parser.parse_args(arguments)
    reports = _reports(options)
    if options.json:
        print(json.dumps(reports, indent=1))
    else:
        for report in reports:
            _show(report)
    return 0


def _reports(options: argparse.Namespace) -> list[dict[str, Any]]:
    from medad.lineage import leaks
    from medad.lineage.graph import relative

    root, target, row, column = project(), options.target, options.row, options.column
    if row is not None or column is not None:
        if None in (target, row, column):
            raise MedadError("--row and --column go together, after a table")
        chosen = (row, column, options.dataset, options.split)
        return [leaks.cell(root, relative(root, target), *chosen)]
    if options.dataset or options.split:
        raise MedadError("--dataset and --split choose a cell; a split is DATASET/SPLIT")
    if target is None:
        places = leaks.places(root)
        if not places:
            raise MedadError("no split is here yet; make one with `snakemake stage_data`")
        return [leaks.report(root, *place) for place in places]
    place = _PLACE.fullmatch(target)
    if place is None:
        raise MedadError(f"{target}: give DATASET/SPLIT, or a table with --row and --column")
    return [leaks.report(root, *place.groups())]


def _show(report: dict[str, Any]) -> None:
    print(f"{report['dataset']}/{report['split']} (policy {report['policy']})")
    if "cell" in report:
        print(f"  of the cell {report['cell']} = {report['number']}")
    for role, size in report["sizes"].items():
        print(
            f"  {role}: {size['images']} images ({size['healthy']} healthy, "
            f"{size['anomalous']} anomalous) in {size['groups']} leakage groups"
        )
    groups = report["groups"]
    exact = sum("exact" in group["kinds"] for group in groups)
    near = sum("near" in group["kinds"] for group in groups)
    print(f"  groups with copies: {len(groups)} (exact in {exact}, near in {near})")
    for pair, count in report["across"].items():
        print(f"  groups across {pair}: {count}")
    for group in groups:
        conflict = ", BOTH LABELS" if group["conflict"] else ""
        print(f"  group {group['group']}: {' and '.join(group['kinds'])}{conflict}")
        for image in group["images"]:
            label = "anomalous" if image["label"] else "healthy"
            print(f"    {_plain(image['path'])}  {label}, {', '.join(image['roles']) or 'unused'}")
    for draw in report["draws"]:
        _show_draw(draw)
    _show_methods(report["methods"])


def _show_draw(draw: dict[str, Any]) -> None:
    tested = sum(copy["role"] == "test" for copy in draw["copies"])
    print(
        f"  draw K={text(draw['k'])} r{draw['r']}: {tested} of the test images are copies of its "
        "shots"
    )
    for copy in draw["copies"]:
        how = "exact" if copy["exact"] else "near"
        shots = ", ".join(_plain(path) for path in copy["shots"])
        print(f"    {copy['role']} {_plain(copy['path'])}: {how} copy of {shots}")


def _show_methods(methods: Sequence[dict[str, Any]]) -> None:
    if not methods:
        print("  no run has scored this split yet")
        return
    row = "  {:<28} {:>3} {:>3} {:>8} {:>16} {:>8} {:>13} {:>8}"
    print("  AUROC, mean over draws; 'one a group' is without copies of the shots too")
    titles = ("method", "K", "n", "all", "no shot copies", "effect", "one a group", "effect")
    print(row.format(*titles))
    for found in methods:
        print(
            row.format(
                *(found["method"], text(found["k"]), found["n"], _number(found["auroc"])),
                *(_number(found["without_shot_copies"]), _number(found["by_shot_copies"], "+.4f")),
                *(_number(found["without_copies"]), _number(found["by_copies"], "+.4f")),
            )
        )
    if len({(found["method"], found["k"]) for found in methods}) < len(methods):
        print("  several lines of a method and K: its draws differ in parameters or code; a table")
        print("  has one kind of them, and `medad why` tells which are what is asked for")


def _plain(path: str) -> str:
    """A file's name as it is, unless it could tell a terminal what to do."""
    return path if path.isprintable() else repr(path)


def _number(value: float | None, form: str = ".4f") -> str:
    return "none" if value is None else format(value, form)
