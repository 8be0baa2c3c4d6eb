"""Time and memory against images, shots, replicates, image side and methods, through the engine.

    python benchmarks/scaling.py
    python benchmarks/scaling.py --axes none --images 10000 --side 128 --shots 2000

Each point is a fresh project of generated slices, run from index to metrics with PatchCore, a 1 %
coreset and jobs of one thread. Seconds are those its steps computed, by their records; making the
slices is not counted. An axis compares a point with one ``--factor`` times as large along it, so a
ratio of 1 is a straight line, above 1 is better than that. ``--axes none`` is one point alone.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import yaml
from measure import row
from project import copied, timed

from medad.files import read_json
from medad.lineage import record


@dataclass(frozen=True)
class Point:
    """What is run; half of the images are healthy, and .3 of those may be shots."""

    images: int
    shots: int
    replicates: int
    side: int
    methods: int


@dataclass(frozen=True)
class Cost:
    """``seconds`` by kind of step, and the largest ``memory`` of one, MiB."""

    seconds: Mapping[str, float]
    memory: int

    @property
    def total(self) -> float:
        return sum(seconds for kind, seconds in self.seconds.items() if kind != "phantom")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    names = list(Point.__dataclass_fields__)
    parser.add_argument("--axes", nargs="*", default=names, choices=[*names, "none"])
    parser.add_argument("--factor", type=int, default=4)
    for name, value in zip(names, (400, 4, 2, 64, 1), strict=True):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--threads", type=int, default=2, help="jobs at a time")
    args = parser.parse_args()
    start = Point(**{name: getattr(args, name) for name in names})
    first = run(start, args.threads)
    if "none" in args.axes:
        parts = ", ".join(
            f"{kind} {seconds:.1f} s" for kind, seconds in first.seconds.items() if kind != "shots"
        )
        setting = f"{start.images} images at {start.side} px, {start.shots} shots: {parts}; "
        setting += f"at most {first.memory / 1024:.1f} GiB a job"
        row("scaling", setting, first.total, "an hour", 3600, "1")
        return
    for name in args.axes:
        value = getattr(start, name)
        more = run(replace(start, **{name: args.factor * value}), args.threads)
        setting = f"{name} {value} to {args.factor * value}: {first.total:.1f} s to "
        setting += f"{more.total:.1f} s, {first.memory} MiB to {more.memory} MiB"
        power = args.factor ** (2 if name == "side" else 1)
        row("scaling", setting, more.total, f"{power} times the first", power * first.total, "1")


def run(point: Point, jobs: int) -> Cost:
    """A project of its own from images to metrics."""
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        copied(root)
        # Without what follows a run: MLflow's start says nothing about the steps.
        snakefile = root / "Snakefile"
        snakefile.write_text(snakefile.read_text().partition("\nonsuccess:")[0])
        params = yaml.safe_load((root / "params.yaml").read_text())
        healthy = point.images // 2
        params["datasets"]["phantom"] |= {"healthy": healthy, "anomalous": point.images - healthy}
        params["datasets"]["phantom"] |= {"duplicates": 0, "side": point.side}
        params["image"]["side"] = point.side
        params["runs"] |= {"shots": [point.shots], "replicates": point.replicates}
        params["detectors"]["patchcore"]["coreset"] = 0.01
        methods = ["patchcore", *(f"patchcore_{n}" for n in range(2, point.methods + 1))]
        params["methods"] |= dict.fromkeys(methods, params["methods"]["patchcore"])
        (root / "params.yaml").write_text(yaml.safe_dump(params))
        targets = [
            f"results/metrics/phantom/grouped/{method}/k{point.shots}/r{r}.json"
            for method in methods
            for r in range(point.replicates)
        ]
        timed(root, "snakemake", "--cores", str(jobs), *targets)
        seconds: dict[str, float] = defaultdict(float)
        memory = 0
        for path in record.every(root):
            found = read_json(path)
            seconds[found["kind"]] += found["compute_s"]
            if found["kind"] != "phantom":
                memory = max(memory, found["peak_memory_mib"])
    return Cost(seconds, memory)


if __name__ == "__main__":
    main()
