"""`medad select STUDY.yaml`: compare readings of a method on healthy shots alone."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

from medad.cli.common import overrides, project
from medad.errors import MedadError
from medad.files import read_json, write_bytes, write_json


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="medad select", description=__doc__)
    parser.add_argument("study", type=Path, help="such as workflow/selection/consult.yaml")
    parser.add_argument("--out", type=Path, required=True, help="folder of results and README.md")
    parser.add_argument("--source", action="append", metavar="NAME", help="only this; repeatable")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes")
    parser.add_argument(
        "--config", nargs="*", default=[], metavar="KEY=VALUE", help="as Snakemake's"
    )
    parser.add_argument(
        "--calibrate",
        nargs="+",
        type=float,
        metavar="FACTOR",
        help="only print S2 of the first candidate at these multiples of the contrasts",
    )
    parser.add_argument(
        "--test",
        type=Path,
        metavar="CSV",
        help="run nothing: add this table, of all candidates on the test images, to the report",
    )
    options = parser.parse_args(arguments)
    if options.jobs < 1:
        raise MedadError(f"--jobs: got {options.jobs}; allowed: 1 or more")
    from medad.config.load import load
    from medad.selection import calibration, judgement, protocol, report, study

    plan = protocol.read(options.study)
    root, changes = project(), overrides(options.config)
    chosen = options.source or list(plan.sources)
    if options.calibrate:
        for name in chosen:
            for row in calibration.sweep(
                root, plan, name, changes, options.calibrate, options.jobs, _progress
            ):
                print("  ".join(f"{key} {value:.3f}" for key, value in row.items()), flush=True)
        return 0
    files = {name: options.out / f"{name}.json" for name in plan.sources}
    tested = options.out / "test.json"
    written = {"test"} if options.test else set(chosen)
    others = {
        name: read_json(path)
        for name, path in {**files, "test": tested}.items()
        if name not in written and path.is_file()
    }
    stale = [name for name in others if others[name]["protocol"] != study.fingerprint(plan)]
    if stale:
        raise MedadError(
            f"{options.out}: {', '.join(stale)} followed another version of {options.study}; "
            "delete it, or run without --source"
        )
    if not options.test:
        for name in chosen:
            write_json(files[name], study.run(root, plan, name, changes, options.jobs, _progress))
    studies = [read_json(path) for path in files.values() if path.is_file()]
    if options.test:
        found = judgement.read_test(plan, studies, load(root, changes), options.test)
        before = read_json(tested)["calls"] if tested.is_file() else 0
        write_json(tested, {**found, "calls": before + 1})
    test = read_json(tested) if tested.is_file() else None
    write_bytes(options.out / "README.md", report.markdown(plan, studies, test).encode())
    return 0


def _progress(done: int, total: int, text: str) -> None:
    print(f"[{done} of {total}] {text}", flush=True)
