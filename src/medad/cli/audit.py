"""`medad audit`: which images, parameters, code, weights, seeds and machine made a number."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from typing import Any

from medad.cli.common import project
from medad.errors import MedadError
from medad.lineage import audit
from medad.lineage.graph import relative

_WHOLE = 1_000_000


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="medad audit", description=__doc__)
    parser.add_argument("target", help="an artifact below results/, such as a table")
    parser.add_argument("--row", help="a row of the table, such as CONSULT")
    parser.add_argument("--column", help="a column of the table, such as K4")
    parser.add_argument("--dataset", help="needed when the table holds several")
    parser.add_argument("--split", help="needed when the table holds several")
    parser.add_argument("--json", action="store_true", help="machine-readable, with every image")
    options = parser.parse_args(arguments)
    root = project()
    target = relative(root, options.target)
    if (options.row is None) != (options.column is None):
        raise MedadError("--row and --column go together: a cell has both")
    if options.row is None:
        found = audit.artifact(root, target)
    else:
        found = audit.cell(
            root, target, options.row, options.column, options.dataset, options.split
        )
    if options.json:
        print(json.dumps(found, indent=1))
    else:
        _show(found)
    return 0


def _show(found: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.tree import Tree

    number = found["number"]
    title = found.get("cell", found["target"])
    tree = Tree(f"[bold]{title}[/bold]" + (f" = {number['value']}" if number else ""))
    if number:
        tree.add(f"{number['aggregation']}, n = {number['n']}")
    images = tree.add("images")
    for role in ("shots", "test", "validation"):
        images.add(f"{role}: {len(found['images'][role])} distinct")
    for item in found["contested"]:
        images.add(f"leakage report: {item['split']}")
    for run in found["runs"]:
        _show_run(tree, run)
    _show_rest(tree, found)
    # A terminal's lines are wrapped beside the tree; a file or a pipe gets them whole.
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=_WHOLE, soft_wrap=True)
    console.print(tree)


def _show_run(tree: Any, run: dict[str, Any]) -> None:
    values = run["values"]
    branch = tree.add(f"replicate {run['identity']['r']}: AUROC {values['auroc']:.4f}")
    shots = branch.add("draw")
    for image in run["draw"]:
        shots.add(f"{image['path']}  sha256 {image['sha256'][:12]}")
    for kind, outputs in run["artifacts"].items():
        for path, digest in outputs.items():
            branch.add(f"{kind}: {path}  sha256 {digest[:12]}")
    seeds = branch.add("seeds")
    for kind, drawn in run["seeds"].items():
        for purpose, seed in drawn.items():
            seeds.add(f"{kind}, {purpose}: {seed}")


def _show_rest(tree: Any, found: dict[str, Any]) -> None:
    parameters = tree.add("parameters, by step (a paper's undefined choices are these keys)")
    for kind, params in found["parameters"].items():
        if kind not in ("table", "intervals"):
            parameters.add(f"{kind}: {json.dumps(params, sort_keys=True)}")
    code = tree.add(f"code: {len(found['code']['modules'])} modules")
    for commit in found["commits"]:
        dirty = f", with uncommitted changes {commit['diff'][:12]}" if commit["diff"] else ""
        code.add(f"commit {commit['commit']}{dirty}")
    for name, digest in found["code"]["modules"].items():
        changed = ", changed since" if name in found["code"]["changed_since"] else ""
        code.add(f"{name}  sha256 {digest[:12]}{changed}")
    for item in found["weights"]:
        params = item["params"]
        digest = item["output"]["sha256"][:12]
        tree.add(f"weights: {params['name']}, {params['weights']}, sha256 {digest}")
    for libraries in found["libraries"]:
        tree.add("environment: " + ", ".join(f"{k} {v}" for k, v in libraries.items()))
    for machine in found["machines"]:
        tree.add("machine: " + ", ".join(f"{k} {v}" for k, v in machine.items()))
    records = found["records"]
    tree.add(
        f"records: {records['computed']} computed, {records['restored']} restored, "
        f"{records['compute_s']} s of computation, peak {records['peak_memory_mib']} MiB"
    )
    for path, run in found["mlflow"].items():
        tree.add(f"MLflow run {run}: {path}")
