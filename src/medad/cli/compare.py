"""`medad compare A B`: the smallest explanation of a difference between two results.

A and B: a path below results/, REVISION:PATH (through DVC's cache), FOLDER:PATH of another project,
or a folder that `medad publish` wrote; for a cell add :ROW/COLUMN. What B leaves out it has from A.
Exit status 0 when they are the same, 1 when they differ, 2 on an error.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from typing import Any

from medad.cli.common import project
from medad.errors import MedadError

_LISTED = 20


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="medad compare",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("a", metavar="A", help="such as HEAD~3:results/tables/table1.csv")
    parser.add_argument("b", metavar="B", help="such as results/tables/table1.csv:CONSULT/K4")
    parser.add_argument("--row", help="a row of both tables, such as CONSULT")
    parser.add_argument("--column", help="a column of both tables, such as K4")
    parser.add_argument("--dataset", help="needed when a table holds several")
    parser.add_argument("--split", help="needed when a table holds several")
    parser.add_argument("--json", action="store_true", help="machine-readable, nothing left out")
    options = parser.parse_args(arguments)
    if (options.row is None) != (options.column is None):
        raise MedadError("--row and --column go together: a cell has both")
    from medad.lineage.compare import compare
    from medad.lineage.targets import Cell, parse

    chosen = None
    if options.row is not None:
        chosen = Cell(options.row, options.column, options.dataset, options.split)
    found = compare(*parse(project(), (options.a, options.b), chosen))
    if options.json:
        print(json.dumps(found, indent=1, default=list))
    else:
        print("\n".join(printable(line) for line in _lines(found)))
    return 0 if found["same"] else 1


def printable(text: str) -> str:
    """One line whatever is in it: names of files may hold anything, a terminal obeys it."""
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in text
    )


def _lines(found: dict[str, Any]) -> Iterator[str]:
    yield f"A: {found['a']}"
    yield f"B: {found['b']}"
    if found["same"]:
        yield "the same bytes"
    else:
        yield "different, first by:"
        yield from _listed([item["text"] for item in found["causes"]])
    if found["context"]:
        yield "differs too, but is no first cause:"
        yield from _listed([item["text"] for item in found["context"]])
    yield from _consequences(found["consequences"])


def _listed(texts: Sequence[str]) -> Iterator[str]:
    yield from (f"  {text}" for text in texts[:_LISTED])
    if len(texts) > _LISTED:
        yield f"  and {len(texts) - _LISTED} more (--json names all)"


def _consequences(found: dict[str, Any]) -> Iterator[str]:
    cells = [
        f"{c['cell']}: {_number(c['old'])} -> {_number(c['new'])}" for c in found.get("cells", [])
    ]
    if cells:
        yield f"values that differ: {len(cells)}"
        yield from _listed(cells)
    if found.get("line"):
        yield "what the table says of the cell:"
        yield from _listed(
            [f"{k}: {_number(a)} -> {_number(b)}" for k, (a, b) in found["line"].items()]
        )
    for draw in found.get("draws", []):
        yield f"draw {draw['a']}" + (f" and {draw['b']}" if draw["a"] != draw["b"] else "") + ":"
        yield from _measured(draw)
    yield from _measured(found)


def _measured(found: dict[str, Any]) -> Iterator[str]:
    values = found.get("values", {})
    yield from _listed([f"{k}: {_number(a)} -> {_number(b)}" for k, (a, b) in values.items()])
    ranks = found.get("ranks")
    if ranks is None:
        return
    old, new = ranks["auroc"]
    yield (
        f"  ranking: Spearman {_number(ranks['spearman'])} over {ranks['common']} images tested in "
        f"both ({ranks['only_a']} only in A, {ranks['only_b']} only in B), "
        f"AUROC {_number(old)} -> {_number(new)}"
    )
    for item in ranks["moved"]:
        label = "anomalous" if item["label"] else "healthy"
        yield f"    {item['path']} ({label}): rank {item['old']:g} -> {item['new']:g}"


def _number(value: Any) -> str:
    if value is None or value == "":
        return "none"
    return f"{value:.4f}" if isinstance(value, float) else str(value)
