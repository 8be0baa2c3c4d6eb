"""The command line. Each command is a module of its own, imported only when it is called."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from importlib import import_module

from medad import __version__
from medad.cli.common import fail_on_error

COMMANDS = {
    "audit": "everything one number rests on",
    "compare": "why two results differ: the first causes, and what follows",
    "verify": "rehash artifacts and records; name the numbers a change affects",
    "reproduce": "recompute a number elsewhere, from its images, and compare every byte",
    "leakage": "which images are copies of one another, and what that does to each AUROC",
    "plan": "what a run would do and take, before it runs",
    "why": "why a file would be made again, or would not",
    "adopt": "take over files that came from elsewhere, after rehashing them",
    "publish": "write a table with its evidence to a folder that `adopt` reads",
    "crate": "export a table with its provenance as an RO-Crate",
    "prov": "export a table's provenance as W3C PROV-JSON",
    "cache": "what DVC's cache and medad's own hold, and what nothing rests on",
    "page": "the audit as web pages, for a browser without a server",
    "prune": "remove results that the configuration no longer asks for",
    "track": "bring finished runs and their curves into MLflow",
    "mlflow": "open MLflow's pages on this project's runs",
    "data": "get or check images",
    "dvc": "commit finished stages to DVC; numbers for `dvc metrics`",
    "select": "compare readings of a method on healthy shots alone",
    "step": "run the steps of one job (Snakemake calls this)",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit status is 2 after an error message."""
    about = "Anomaly detection in medical images: tables, and everything a number rests on."
    parser = argparse.ArgumentParser(prog="medad", description=about)
    parser.add_argument("--version", action="version", version=f"medad {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, text in COMMANDS.items():
        commands.add_parser(name, help=text, add_help=False)
    chosen, rest = parser.parse_known_args(arguments)
    with fail_on_error():
        return int(import_module(f"medad.cli.{chosen.command}").main(rest))
