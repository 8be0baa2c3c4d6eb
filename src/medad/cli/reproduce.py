"""`medad reproduce`: recompute a number elsewhere, from its images; the same bytes, or where not.

Exit status 0: the same bytes. 1: something differs. 2: it could not be recomputed.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from medad.cli.common import project
from medad.errors import MedadError
from medad.lineage import reproduce
from medad.lineage.graph import relative


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="medad reproduce", description=__doc__)
    parser.add_argument("target", help="an artifact below results/, such as a table")
    parser.add_argument("--row", help="a row of the table, such as CONSULT")
    parser.add_argument("--column", help="a column of the table, such as K4")
    parser.add_argument("--dataset", help="needed when the table holds several")
    parser.add_argument("--split", help="needed when the table holds several")
    parser.add_argument(
        "--from",
        dest="start",
        choices=tuple(reproduce.STARTS),
        default="raw",
        help="what to start from: all that comes before is taken as it is (default: raw images)",
    )
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="new folder to compute in")
    parser.add_argument("--json", action="store_true", help="machine-readable")
    options = parser.parse_args(arguments)
    root = project()
    target = relative(root, options.target)
    if (options.row is None) != (options.column is None):
        raise MedadError("--row and --column go together: a cell has both")
    wanted = (options.row, options.column, options.dataset, options.split)
    say = _silent if options.json else _say
    with _folder(options.keep) as base:
        if options.row is None:
            found = reproduce.artifact(root, target, options.start, base, say)
        else:
            found = reproduce.cell(root, target, wanted, options.start, base, say)
    if options.json:
        print(json.dumps(found, indent=1))
    else:
        _show(found)
    return 0 if found["same"] else 1


@contextmanager
def _folder(kept: Path | None) -> Iterator[Path]:
    """The folder to compute in: a temporary one, or one that is kept and must be new."""
    if kept is None:
        with tempfile.TemporaryDirectory(prefix="medad-reproduce-") as name:
            yield Path(name).resolve()
        return
    if kept.exists() and (not kept.is_dir() or any(kept.iterdir())):
        raise MedadError(f"--keep {kept}: is there already; name a new or an empty folder")
    kept.mkdir(parents=True, exist_ok=True)
    yield kept.resolve()


def _silent(text: str) -> None:
    """Nothing, so that the output is one JSON value."""


def _say(text: str) -> None:
    print(text, flush=True)


def _show(found: dict[str, Any]) -> None:
    for note in found["notes"]:
        print(f"note: {note}")
    name = found["cell"] or found["target"]
    steps, number, first = found["steps"], found["number"], found["first"]
    if first is None:
        print(f"{name}: {len(steps)} steps recomputed from {found['start']}, all bytes the same")
    else:
        differing = sum(not step["same"] for step in steps)
        print(f"{name}: {differing} of {len(steps)} recomputed steps differ; the first:")
        print(f"    {first['output']}")
        print(f"    recorded   sha256 {first['recorded']}")
        print(f"    recomputed sha256 {first['recomputed']}")
        if first["field"]:
            print(f"    {first['field']}")
        elif not first["recorded_is_here"]:
            print("    the recorded file is not here, so what differs in it cannot be told")
        if not first["inputs_same"]:
            print("    what this step is recorded to have read is not what was recomputed")
    for path in (path for step in steps for path in step["changed_here"]):
        print(f"{path}: the file here is not the one recorded; see `medad verify`")
    if number:
        relation = (
            "which is the cell's" if number["same"] else f"the cell says {number['recorded']}"
        )
        print(f"{name}: the mean of the recomputed metrics is {number['recomputed']}, {relation}")
