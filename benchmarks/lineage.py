"""`medad verify` of a made-up project against bare hashing; `medad audit` of a cell among records.

python benchmarks/lineage.py --steps 100000
python benchmarks/lineage.py --steps 100000 --project FOLDER

``--project`` is a finished project; its copy gets so many records more and a cell is audited.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any

from measure import best, row

from medad import layout
from medad.files import Digest, canonical_json, write_parquet
from medad.lineage import record
from medad.lineage.verify import verify

SHOTS, REPLICATES, METHODS = (2, 4, 6, 8), 5, 20
RUNS = len(SHOTS) * REPLICATES
CODE = {f"data/module_{number}.py": "0" * 64 for number in range(12)}
PARAMS = {"seed": 0, "side": 128, **{f"choice_{number}": number / 7 for number in range(8)}}
ABOUT: dict[str, Any] = {
    "action": "computed",
    "compute_s": 1.0,
    "device": "cpu",
    "libraries": {f"library_{number}": "1.2.3" for number in range(10)},
    "log": "logs/step.log",
    "machine": {"cores": "2", "cpu": "none", "gpu": "none", "host": "none", "system": "none"},
    "peak_memory_mib": 100,
    "process": 1,
    "repository": {"commit": "0" * 40, "diff": None},
    "started": 1.5,
    "wall_s": 1.0,
}
IMAGES = [f"{number:064x}" for number in range(20)]

SCORES = {
    "path": [f"{image}.png" for image in IMAGES],
    "sha256": IMAGES,
    "role": ["test"] * len(IMAGES),
    "label": [number % 2 for number in range(len(IMAGES))],
    "score": [number / 20 for number in range(len(IMAGES))],
    "mask": [""] * len(IMAGES),
    "mask_sha256": [""] * len(IMAGES),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--steps", type=int, default=100_000, help="each has a record, too")
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--project", type=Path, help="a finished project, which is copied")
    parser.add_argument("--memory", type=Path, help="only verify this project: peak MiB")
    args = parser.parse_args()
    if args.memory is not None:
        assert not verify(args.memory)[0]
        # Not getrusage, whose peak is the parent's where that was the larger.
        status = Path("/proc/self/status").read_text()
        print(int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0]) // 1024)
        return
    with tempfile.TemporaryDirectory() as folder:
        quarter = peak(make(Path(folder) / "quarter", args.steps // 4).root)
        begun = time.perf_counter()
        made = make(Path(folder) / "whole", args.steps)
        print(f"made in {time.perf_counter() - begun:.0f} s", file=sys.stderr)
        threads = min(32, os.cpu_count() or 1)
        timed = {"ours": lambda: verify(made.root), "bare": lambda: bare(made.root, threads)}
        seconds = best(timed, args.repeats)
        memory = f"peak {peak(made.root)} MiB, of a quarter of it {quarter} MiB"
        setting = f"verify: {made.steps} manifests and records, {made.files} files, {memory}"
        against = f"listing, reading, SHA-256; {threads} threads"
        row("lineage", setting, seconds["ours"], against, seconds["bare"], "0.5")
        if args.project is not None:
            cell = crowded(args.project, Path(folder) / "copy", made)
            audited = best({"audit": lambda: audit(Path(folder) / "copy", cell)}, args.repeats)
            setting = f"audit of {cell[1]} {cell[3]}, {made.steps} records of other steps beside it"
            row("lineage", setting, audited["audit"], "1 s", 1.0, "1")


def crowded(project: Path, copy: Path, made: Project) -> tuple[str, ...]:
    """A copy of a project with the records of another beside its own; options for its last cell."""
    shutil.copytree(project, copy, symlinks=True)
    shutil.copytree(made.root / record.FOLDER, copy / record.FOLDER, dirs_exist_ok=True)
    cells = json.loads((copy / "results/tables/table1.cells.json").read_bytes())["cells"]
    dataset, split, name, column = list(cells)[-1].split("/")
    return ("--row", name, "--column", column, "--dataset", dataset, "--split", split)


def audit(root: Path, cell: Sequence[str]) -> None:
    """One cell by the command, the start of Python included."""
    command = (sys.executable, "-m", "medad", "audit", "results/tables/table1.csv", *cell)
    subprocess.run(command, cwd=root, check=True, stdout=subprocess.DEVNULL)


def peak(root: Path) -> int:
    """MiB that verifying a project takes in a process of its own."""
    command = (sys.executable, __file__, "--memory", str(root))
    return int(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)


def bare(root: Path, threads: int) -> None:
    """Every file that is verified, read and hashed by nothing but Python's own."""
    walks = (os.walk(root / place) for place in ("results", ".prov/index"))
    paths = [f"{folder}/{name}" for folder, _, names in chain(*walks) for name in names]
    parts = [paths[at : at + 64] for at in range(0, len(paths), 64)]
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(_hashed, parts))


def _hashed(paths: list[str]) -> None:
    for path in paths:
        with open(path, "rb") as stream:
            hashlib.sha256(stream.read()).hexdigest()


@dataclass
class Project:
    """A project being made; ``known`` are the digests of its outputs by their paths."""

    root: Path
    steps: int = 0
    files: int = 0
    known: dict[str, Digest] = field(default_factory=dict)

    def step(
        self,
        kind: str,
        identity: layout.Identity,
        inputs: Mapping[str, str],
        outputs: Mapping[str, bytes],
        params: Mapping[str, Any] = PARAMS,
    ) -> None:
        """Outputs (by name), manifest and record of a step that read files made before."""
        named = {name: layout.output(kind, identity, name) for name in outputs}
        for name, content in outputs.items():
            self.known[named[name]] = _digest(content)
            self._write(named[name], content)
        read = {name: self.known[path].sha256 for name, path in inputs.items()}
        covered = {
            **_constant(),
            **_pieces(kind=kind, identity=identity),
            **({} if params is PARAMS else _pieces(params=params)),
        }
        key = hashlib.sha256(_joined({**covered, **_pieces(inputs=read)})).hexdigest()
        rest = _pieces(
            key=key,
            inputs={n: {"path": path, "sha256": read[n]} for n, path in inputs.items()},
            outputs={n: {"path": path, **asdict(self.known[path])} for n, path in named.items()},
        )
        content = _sealed({**covered, **_uncovered(), **rest})
        self._write(layout.manifest(kind, identity), content)
        self._write(f".prov/index/{key}.json", content)
        about = {**_about(), **_pieces(key=key, kind=kind, identity=identity, schema=1)}
        name = record.name(ABOUT["started"], ABOUT["process"])
        self._write(f"{record.FOLDER}/{key[:2]}/{key}/{name}", _sealed(about))
        self.steps += 1

    def _write(self, path: str, content: bytes) -> None:
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        self.files += 1


def _pieces(**values: object) -> dict[str, bytes]:
    """Each name with its value as canonical JSON has them inside an object."""
    return {name: canonical_json({name: value})[1:-3] for name, value in values.items()}


@cache
def _constant() -> dict[str, bytes]:
    return _pieces(code=CODE, environment={}, threads=1, params=PARAMS)


@cache
def _uncovered() -> dict[str, bytes]:
    """What a key does not cover and no step changes."""
    return _pieces(schema=1, seeds={"draw": 7}, determinism="bitwise")


@cache
def _about() -> dict[str, bytes]:
    return _pieces(**ABOUT)


def _joined(pieces: Mapping[str, bytes]) -> bytes:
    return b"{%s\n}\n" % b",".join(pieces[name] for name in sorted(pieces))


def _sealed(pieces: Mapping[str, bytes]) -> bytes:
    digest = hashlib.sha256(_joined(pieces)).hexdigest()
    return _joined({**pieces, **_pieces(digest=digest)})


def _digest(content: bytes) -> Digest:
    md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
    return Digest(hashlib.sha256(content).hexdigest(), md5, len(content))


def make(root: Path, steps: int) -> Project:
    """A project of about so many steps: a table for each dataset, of up to 20 methods."""
    project = Project(root)
    for name in ("Snakefile", "params.yaml"):
        project._write(name, b"")
    project.files = 0
    write_parquet(root / "scores", SCORES)
    scores = (root / "scores").read_bytes()
    weights = {"backbone": "resnet18", "weights": "random"}
    project.step("weights", weights, {}, {"weights": b"weights"})
    number = 0
    while project.steps < steps:
        left = steps - project.steps - RUNS - 4
        _dataset(project, number, min(METHODS, max(1, left // (3 * RUNS))), scores)
        number += 1
    return project


def _dataset(project: Project, number: int, methods: int, scores: bytes) -> None:
    """Index, split, draws, runs and the table of one dataset."""
    place = {"dataset": f"d{number}", "split": "grouped"}
    of = layout.output
    trunk = of("weights", {"backbone": "resnet18", "weights": "random"}, "weights")
    project.step("index", {"dataset": f"d{number}"}, {}, {"index": scores})
    read = {"index": of("index", place, "index")}
    project.step("split", place, read, {"split": b"split", "leakage": b"{}\n"})
    names = [f"m{method}" for method in range(methods)]
    tabulated: dict[str, str] = {}
    compared: dict[str, str] = {}
    for k, r in ((k, r) for k in SHOTS for r in range(REPLICATES)):
        draw = {**place, "k": k, "r": r}
        rows = "".join(f"{image}.png,{image}\n" for image in IMAGES[:k])
        read = {"split": of("split", place, "split")}
        project.step("shots", draw, read, {"shots": f"path,sha256\n{rows}".encode()})
        shots = of("shots", draw, "shots")
        for name in names:
            run = {**draw, "method": name}
            head, scored = of("head", run, "head"), of("score", run, "scores")
            content = f"head of {run}\n".encode() * 8
            project.step("head", run, {"shots": shots, "weights": trunk}, {"head": content})
            read = {"shots": shots, "weights": trunk, "head": head}
            project.step("score", run, read, {"scores": scores})
            read = {"index": of("index", place, "index"), "scores": scored}
            values = canonical_json({"auroc": 0.5 + r / 100})
            project.step("metrics", run, read, {"metrics": values})
            tabulated[f"metrics/d{number}/grouped/{name}/k{k}/r{r}"] = of("metrics", run, "metrics")
            compared[f"scores/{name}/k{k}/r{r}"] = scored
    names_of = {**place, "table": f"t{number}"}
    project.step("intervals", names_of, compared, {"intervals": b"{}\n"})
    tabulated[f"intervals/d{number}/grouped"] = of("intervals", names_of, "intervals")
    cells = {f"d{number}/grouped/{m}/K{k}": _cell(number, m, k) for m in names for k in SHOTS}
    outputs = {"csv": b"", "markdown": b"", "cells": canonical_json({"cells": cells})}
    table = {"table": f"t{number}"}
    project.step("table", table, tabulated, outputs, {**PARAMS, "baseline": "m0"})


def _cell(number: int, method: str, k: int) -> dict[str, Any]:
    runs = [f"metrics/d{number}/grouped/{method}/k{k}/r{r}" for r in range(REPLICATES)]
    intervals = f"intervals/d{number}/grouped"
    return {
        "aggregation": "mean over draws",
        "decimals": 4,
        "intervals": intervals,
        "metrics": runs,
        "n": REPLICATES,
        "value": 0.52,
    }


if __name__ == "__main__":
    main()
