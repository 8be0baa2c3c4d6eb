"""`medad plan [TARGET ...]`: what a run would do, and what it would take, before it runs."""

from __future__ import annotations

import argparse
import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import asdict

from medad import layout
from medad.cli.common import overrides, project
from medad.errors import MedadError
from medad.lineage import session
from medad.lineage.forecast import Expected, forecast
from medad.plan import STAGES


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="medad plan", description=__doc__)
    parser.add_argument("targets", nargs="*", help="default: every table and figure")
    parser.add_argument("--config", nargs="*", default=[], metavar="KEY=VALUE", help="overrides")
    parser.add_argument("--cores", type=int, default=os.cpu_count(), help="of the run")
    parser.add_argument("--json", action="store_true", help="machine-readable")
    options = parser.parse_args(arguments)
    root = project()
    current = session.begin(root, overrides(options.config), [], main=True, dry=True)
    for target in options.targets:
        files = current.plan.target(target)
        if files == [target] and layout.parse(target) is None:
            stages = ", ".join(f"stage_{name}" for name in STAGES)
            raise MedadError(f"{target}: no step makes it; allowed: a result, all, {stages}")
    if options.cores < 1:
        raise MedadError(f"--cores: got {options.cores}, allowed: 1 or more")
    found = forecast(current, options.targets or ["all"])
    if options.json:
        print(json.dumps([asdict(entry) for entry in found], indent=1))
    else:
        _show(found, options.cores, shutil.disk_usage(root).free)
    return 0


def _show(found: list[Expected], cores: int, free: int) -> None:
    if not found:
        print("nothing to be done")
        return
    row = "{:<10} {:<18} {:>8} {:>8}  {:<24} {:>10} {:>9}"
    print(row.format("step", "method", "compute", "restore", "seconds a step", "memory", "disk"))
    for entry in found:
        each = ", ".join(f"{value:.1f} {device}" for device, value in entry.seconds.items())
        memory = f"{entry.memory_mib} MiB" if entry.memory_mib else "?"
        disk = "?" if entry.bytes is None else f"{entry.bytes * _steps(entry) / 1e6:.1f} MB"
        print(
            row.format(
                entry.kind, entry.method, entry.computed, entry.restored, each or "?", memory, disk
            )
        )
    unknown = sorted({entry.kind for entry in found if entry.computed and not entry.seconds})
    for device in sorted({device for entry in found for device in entry.seconds}):
        work = sum(entry.computed * _on(entry, device) for entry in found)
        print(f"{device}: {work:.0f} core seconds, at best {work / cores:.0f} s on {cores} cores")
    if any(entry.seconds for entry in found):
        print("times are of past steps, whatever their images, parameters (epochs) and load were")
    if unknown:
        print(f"no record yet of: {', '.join(unknown)}; their time is not in the sum")
    needed = sum((entry.bytes or 0) * _steps(entry) for entry in found)
    print(f"disk: {2 * needed / 1e6:.0f} MB with the store's copy, {free / 1e6:.0f} MB free")


def _steps(entry: Expected) -> int:
    return entry.computed + entry.restored


def _on(entry: Expected, device: str) -> float:
    """Seconds on a device; a step that never ran there takes what it took elsewhere."""
    return entry.seconds.get(device, next(iter(entry.seconds.values()), 0.0))
