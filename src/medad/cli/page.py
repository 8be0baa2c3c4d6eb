"""`medad page`: the whole audit as a folder of web pages that need no server and no network."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from medad.cli.common import project
from medad.lineage import views


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="medad page", description=__doc__)
    parser.add_argument("--out", type=Path, metavar="FOLDER", help=f"default: {views.PAGES}")
    options = parser.parse_args(arguments)
    from medad.site.build import build
    from medad.site.text import plural

    root = project()
    out = options.out or root / views.PAGES
    made = build(root, out, _progress)
    counts = [plural(made[f"{noun}s"], noun) for noun in ("table", "cell", "image")]
    print(f"{', '.join(counts)}; open {out / 'index.html'}")
    return 0


def _progress(done: int, total: int, what: str) -> None:
    """One line that is written over, on a terminal only."""
    if sys.stderr.isatty():
        end = "\n" if done == total else ""
        print(f"\r\x1b[K{done} of {total}: {what}", end=end, file=sys.stderr, flush=True)
