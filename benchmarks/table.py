"""The default table, as `make table1` makes it: what of its time was not computation.

    python benchmarks/table.py

In a fresh copy of the project. 1 - sum(compute wall x threads) / (wall x cores): imports, process
starts, hashing, storing, the engine and idle cores all count as outside. Then runs that have
nothing to do, against the engines' own start: an empty Snakefile, and a stage of DVC that is done.
``--preset quick`` and ``--only`` make less, whose share says nothing.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import defaultdict
from pathlib import Path

from measure import row
from project import copied, timed

from medad.files import read_json
from medad.lineage import record


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--preset", default="none")
    parser.add_argument("--only", default="runs={tables: [table1], figures: [figure1]}")
    parser.add_argument("--long", action="store_true", help="DVC too")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        root, empty = Path(place) / "project", Path(place) / "empty"
        copied(root)
        timed(root, "git", "init", "-q")
        engine = ("snakemake", "--cores", str(args.cores))
        table = (*engine, "all", "--config", f"preset={args.preset}", args.only)
        wall = timed(root, *table)
        seconds: dict[str, float] = defaultdict(float)
        for path in record.every(root):
            found = read_json(path)
            seconds[found["kind"]] += found["compute_s"] * found["threads"]
        inside, whole = sum(seconds.values()), wall * args.cores
        most = sorted(seconds, key=lambda kind: -seconds[kind])[:5]
        parts = ", ".join(f"{kind} {seconds[kind] / inside:.0%}" for kind in most)
        setting = f"{wall:.0f} s on {args.cores} cores; of the computation: {parts}; outside it "
        setting += f"{1 - inside / whole:.1%} of the cores' time"
        row("table", setting, whole - inside, "a tenth of that time", whole / 10, "1")

        empty.mkdir()
        (empty / "Snakefile").write_text("rule all:\n    input: []\n")
        nothing = min(timed(root, *table) for _ in range(3))
        start = min(timed(empty, *engine) for _ in range(3))
        against = "an empty Snakefile, and 3 s"
        row("table", "snakemake with nothing to do", nothing, against, start + 3, "1")
        if args.long:
            timed(empty, "git", "init", "-q")
            timed(empty, "dvc", "init", "-q")
            (empty / "dvc.yaml").write_text("stages: {one: {cmd: echo, deps: [Snakefile]}}\n")
            timed(empty, "dvc", "repro", "-q")
            timed(root, "dvc", "repro", "-q")
            nothing = min(timed(root, "dvc", "repro", "-q") for _ in range(3))
            start = min(timed(empty, "dvc", "repro", "-q") for _ in range(3))
            against = "a DVC stage that is done, and 3 s"
            row("table", "dvc repro with nothing to do", nothing, against, start + 3, "1")


if __name__ == "__main__":
    main()
