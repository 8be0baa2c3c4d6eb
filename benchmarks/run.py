"""Run the benchmarks and write docs/benchmarks.md: machines, versions and ratios.

    python benchmarks/run.py
    python benchmarks/run.py --long --anomalib FOLDER

The quick ones take two minutes; ``--long`` adds those that take longer, ``--anomalib`` (the folder
of an unpacked wheel) that peer, ``--project`` (a finished project) the audit of a cell, ``--real``,
``--bank`` and ``--large-bank`` rows of real images.
Rows that are not measured anew, or are of another machine, stay as docs/benchmarks.json has them.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

from medad.files import write_bytes
from medad.lineage import environment

FOLDER = Path(__file__).resolve().parent
DOCS = FOLDER.parent / "docs"
QUESTIONS = (
    *("coreset", "search", "features", "PatchCore"),
    *("SOFT top-k", "stage 1", "table", "scaling", "evaluation", "lineage"),
)
QUICK = (
    ("coreset.py",),
    ("search.py",),
    ("search.py", "--neighbors", "9"),
    ("features.py",),
    ("features.py", "--side", "128"),
    ("patchcore.py",),
    ("soft_topk.py",),
    ("stage1.py",),
    ("evaluation.py",),
)

MANY = ("--images", "10000", "--side", "128", "--shots", "1500", "--replicates", "1")
LONG = (
    ("coreset.py", "--features", "50000", "--repeats", "1"),
    ("stage1.py", "--epochs", "200", "--repeats", "2"),
    ("forward.py", "--compile"),
    ("table.py", "--long"),
    ("scaling.py",),
    ("scaling.py", "--axes", "none", *MANY),
    ("lineage.py",),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--long", action="store_true", help="half an hour more")
    parser.add_argument("--anomalib", help="folder of an unpacked anomalib wheel")
    parser.add_argument("--real", type=Path, help="folder with no/ and yes/ images")
    parser.add_argument("--weights", help="ResNet-18 safetensors, for --real")
    parser.add_argument("--bank", help="their features by bank.py: 1 %% of them")
    parser.add_argument("--large-bank", help="the same with --turns 4, within 4 GiB")
    parser.add_argument("--project", help="a finished project, for lineage.py with --long")
    parser.add_argument("--only", action="append", metavar="SCRIPT", help="repeatable")
    options = parser.parse_args()
    peer = ("--anomalib", options.anomalib) if options.anomalib else ()
    commands: list[tuple[str, ...]] = [*QUICK]
    if options.long:
        project = ("--project", options.project) if options.project else ()
        more = {"coreset.py": peer, "lineage.py": project}
        commands += [(*one, *more.get(one[0], ())) for one in LONG]
    if options.real:
        healthy, anomalous = str(options.real / "no"), str(options.real / "yes")
        folders = ("--healthy", healthy, "--anomalous", anomalous)
        commands.append(("features.py", "--folder", anomalous, "--images", "155"))
        commands.append(("patchcore.py", *folders, "--weights", str(options.weights), *peer))
    once = ("--fraction", "0.01", "--repeats", "1")
    if options.bank:
        commands.append(("coreset.py", "--bank", options.bank, *once, "--passes", "60", *peer))
    if options.large_bank:
        limit = ("--passes", "20", "--max-memory", "4096")
        commands.append(("coreset.py", "--bank", options.large_bank, *once, *limit))
    if options.only:
        commands = [command for command in commands if command[0] in options.only]
    machine = described()
    for command in commands:
        print(*command, flush=True)
        done = subprocess.run(
            [sys.executable, str(FOLDER / command[0]), *command[1:]],
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        rows = [json.loads(line) for line in done.stdout.splitlines()]
        # Paths are this machine's; the file's name tells the command from others.
        name = " ".join(Path(part).name for part in command)
        keep(machine, name, date.today(), rows)


def described() -> str:
    """Machine and versions that the times are of."""
    machine = environment.machine()
    names = ("python", "torch", "numpy", "opencv-python-headless")
    versions = ", ".join(f"{name} {environment.libraries()[name]}" for name in names)
    return f"{machine['cpu']}, {machine['cores']} cores, GPU {machine['gpu']}; {versions}"


def keep(machine: str, command: str, day: date, rows: list[dict[str, Any]]) -> None:
    """Put a command's rows in the place of those it had on this machine, and write the page."""
    results = DOCS / "benchmarks.json"
    found = json.loads(results.read_text()) if results.exists() else {}
    mine = found.setdefault(machine, {})
    mine[command] = {"day": day.isoformat(), "rows": rows}
    write_bytes(results, (json.dumps(found, indent=1) + "\n").encode())
    write_bytes(DOCS / "benchmarks.md", page(found).encode())


def page(found: dict[str, Any]) -> str:
    """The Markdown page of these results: machine -> command -> its day and rows."""
    lines = [
        "# Benchmarks",
        "",
        "Made by `make bench`. A ratio above 1 is where ours is faster; seconds are the machine's.",
        "Ours and what it is held against take turns in one process, and the best times count;",
        "what takes minutes (PatchCore's matrix, table, scaling, large banks) is timed once.",
        "",
        "Rows of 253 or 155 images and of 259,072 or 1,036,288 features, if any, are of real ones,",
        "`brain_mri` (the last with their turned copies), by an ImageNet ResNet-18; all others are",
        "of generated ones. [profiles.md](profiles.md) says where the time goes, above all in what",
        "misses its mark.",
    ]
    for machine, commands in found.items():
        lines += [
            "",
            f"{machine}:",
            "",
            "| question | setting | ours | against | its time | ratio | wanted | day |",
            "| --- | --- | --: | --- | --: | --: | --: | --- |",
        ]
        rows = [(row, entry["day"]) for entry in commands.values() for row in entry["rows"]]
        rows.sort(key=lambda pair: QUESTIONS.index(pair[0]["question"]))
        lines += [line(row, day) for row, day in rows]
    return "\n".join(lines) + "\n"


def line(row: dict[str, Any], day: str) -> str:
    """One row of the page."""
    ours, other = (
        f"{row[who]:{'.2f' if row[who] >= 0.1 else '.4f'}} s" for who in ("ours", "other")
    )
    times = ours, row["against"], other, f"{row['ratio']:.2f}"
    return f"| {' | '.join((row['question'], row['setting'], *times, row['wanted'], day))} |"


if __name__ == "__main__":
    main()
