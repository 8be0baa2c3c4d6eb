"""`medad prov TARGET`: everything an artifact rests on, as W3C PROV-JSON."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from medad.cli.common import project
from medad.errors import MedadError
from medad.files import canonical_json, write_bytes
from medad.lineage import prov
from medad.lineage.graph import relative


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="medad prov", description=__doc__)
    parser.add_argument("target", help="an artifact below results/, such as a table")
    parser.add_argument("--out", type=Path, metavar="FILE", help="instead of the standard output")
    options = parser.parse_args(arguments)
    if options.out is not None and options.out.is_dir():
        raise MedadError(f"--out: got the folder {options.out}; give a file, such as prov.json")
    root = project()
    found = prov.document(root, relative(root, options.target))
    content = canonical_json(found)
    if options.out is None:
        sys.stdout.write(content.decode())
        return 0
    write_bytes(options.out, content)
    print(f"{len(found['entity'])} entities, {len(found['activity'])} activities: {options.out}")
    return 0
