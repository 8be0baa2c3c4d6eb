"""`medad step`: run the steps of one job, quietly into its log, with a heartbeat on stderr."""

from __future__ import annotations

import argparse
import os
import sys
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from medad.errors import MedadError
from medad.lineage import failure, runner
from medad.lineage.locks import Parent

_BEAT = 10.0


class Heartbeat:
    """Prints how far a job is, at most every ten seconds, with the time that is left."""

    def __init__(self, terminal: int) -> None:
        self.terminal = terminal
        self.started = self.last = time.monotonic()

    def __call__(self, done: float, total: int, text: str) -> None:
        now = time.monotonic()
        line = f"[{min(int(done) + 1, total)} of {total}] {text}"
        if done:
            left = (now - self.started) / done * (total - done)
            line += f", about {left:.0f} s left" if done < total else ""
        print(line, flush=True)
        if now - self.last >= _BEAT:
            self.last = now
            os.write(self.terminal, f"{line}\n".encode())


def main(arguments: Sequence[str]) -> NoReturn:
    """Exit status 0, or 2 after a message that a user can act on."""
    status = _run(arguments)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)  # everything is written, and torch takes half a second to take itself down


def _run(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="medad step")
    parser.add_argument("--log", type=Path, required=True, help="file for all output of the job")
    parser.add_argument("key", type=Path, help="key file: parameters and code")
    parser.add_argument("manifests", nargs="+", help="manifests of the steps to make")
    options = parser.parse_args(arguments)
    root = Path.cwd()
    parent = Parent()
    parent.follow()
    terminal = os.dup(2)
    options.log.parent.mkdir(parents=True, exist_ok=True)
    stream = os.open(options.log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    sys.stdout.flush()
    os.dup2(stream, 1)
    os.dup2(stream, 2)
    try:
        runner.run(
            root, options.key, options.manifests, str(options.log), Heartbeat(terminal), parent
        )
    except (MedadError, OSError) as error:
        message = (
            str(error) if isinstance(error, MedadError) else f"{type(error).__name__}: {error}"
        )
        traceback.print_exc()
        failure.keep(root, f"{message} (log: {options.log})")
        return 2
    return 0
