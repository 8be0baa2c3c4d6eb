"""Share of a run's core time that was not computation, from the records of its steps.

1 - sum(compute wall x threads) / (total wall x cores). Imports, process starts, hashing, storing,
engine and idle cores all count as outside. Run it after `make table1` in a fresh clone, with the
wall time of the whole command: `python benchmarks/overhead.py --cores 2 --wall 300`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from medad.files import read_json
from medad.lineage import record


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cores", type=int, required=True)
    parser.add_argument("--wall", type=float, help="seconds; default: first start to last end")
    options = parser.parse_args()
    found = [read_json(path) for path in record.every(Path.cwd())]
    begun = min(item["started"] for item in found)
    ended = max(item["started"] + item["wall_s"] for item in found)
    wall = options.wall or ended - begun
    kinds: dict[str, list[float]] = {}
    for item in found:
        kinds.setdefault(item["kind"], []).append(item["compute_s"] * item["threads"])
    for kind, seconds in sorted(kinds.items(), key=lambda pair: -sum(pair[1])):
        print(f"{kind:10} {len(seconds):4} steps {sum(seconds):8.1f} s, at most {max(seconds):.1f}")
    inside = sum(map(sum, kinds.values()))
    print(f"computation {inside:.1f} core seconds of {wall * options.cores:.1f}")
    print(f"outside computation: {1 - inside / (wall * options.cores):.1%}")


if __name__ == "__main__":
    main()
