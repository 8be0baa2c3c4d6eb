"""`medad data check FOLDER`, `medad data get NAME`: what images there are, and where from."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from medad.cli.common import project
from medad.config.load import load
from medad.data import catalog
from medad.data.check import check_folder
from medad.data.download import get
from medad.data.readers import ANOMALOUS, HEALTHY, Entry
from medad.data.sources import SOURCES
from medad.errors import MedadError
from medad.registry import READERS, lookup
from medad.resolve import attribute


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="medad data", description=__doc__)
    actions = parser.add_subparsers(dest="action", required=True)
    check = actions.add_parser("check", help="what a folder would give, and what is wrong with it")
    check.add_argument("folder", type=Path)
    obtain = actions.add_parser(
        "get", help="where a dataset comes from, and whether it is complete"
    )
    obtain.add_argument("name", choices=sorted(SOURCES))
    obtain.add_argument("--url", help="of a zip of its files, from where you may have it")
    obtain.add_argument("--sha256", help="that the zip at the address must have")
    options = parser.parse_args(arguments)
    if options.action == "check":
        report = check_folder(options.folder)
        print("\n".join(report.lines))
        return 0 if report.ok else 2
    return _get(options.name, options.url, options.sha256)


def _get(name: str, url: str | None, sha256: str | None) -> int:
    root, source = project(), SOURCES[name]
    config = load(root)
    place = config.root_of(name)
    print(source.about.format(place=place))
    if source.images is None:
        if url or sha256:
            raise MedadError(f"{name}: is made, not downloaded; leave --url and --sha256 out")
        return 0
    folder = root / place
    address = url or source.url
    empty = not folder.exists() or (folder.is_dir() and not any(folder.iterdir()))
    if (url or sha256) and not empty:
        raise MedadError(
            f"{place}: already there; move it away to get it anew, or leave --url and --sha256 out"
        )
    if address is not None and empty:
        print(f"downloading {address}", flush=True)
        reader = config.datasets[name].reader
        get(address, folder, sha256, _progress, partial(_require_layout, reader))
    if not folder.exists():
        raise MedadError(f"{place}: not there yet; place it, or give the --url of a zip")
    files = catalog.listing(folder)
    missing = _missing(config.datasets[name].reader, files, source.images)
    expected = root / "data" / "catalog" / f"{name}.csv"
    if expected.exists():
        missing += catalog.check(files, expected).lines()
    print("\n".join(missing) or _COMPLETE[expected.exists()])
    return 2 if missing else 0


_COMPLETE = {
    True: "complete: every expected file has its hash",
    False: "complete: it has the images expected; their hashes are not published",
}


def _missing(reader: str, files: Mapping[str, str], images: tuple[int, int]) -> list[str]:
    """How the numbers of images differ from those expected."""
    entries = _read(reader, files)
    found = tuple(sum(entry.label == label for entry in entries) for label in (HEALTHY, ANOMALOUS))
    if found == images:
        return []
    return [
        f"{found[0]} healthy and {found[1]} anomalous images; {images[0]} and {images[1]} expected"
    ]


def _read(reader: str, files: Mapping[str, str]) -> list[Entry]:
    found: list[Entry] = attribute(lookup(READERS, reader, "reader"))(list(files))
    return found


def _require_layout(reader: str, folder: Path) -> None:
    """MedadError unless a folder has that of the reader."""
    _read(reader, catalog.listing(folder))


def _progress(done: int, total: int) -> None:
    if sys.stderr.isatty():
        of = f" of {total >> 20}" if total else ""
        print(f"\r{done >> 20}{of} MiB", end="\n" if done == total else "", file=sys.stderr)
