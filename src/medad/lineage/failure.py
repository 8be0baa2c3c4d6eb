"""The message of a failed step, kept so that it can be the last thing a user reads."""

from __future__ import annotations

import sys
from pathlib import Path

from medad.files import write_bytes

FILE = ".prov/error.txt"


def keep(root: Path, message: str) -> None:
    """Called by the failing job."""
    write_bytes(root / FILE, message.encode())


def show(root: Path) -> None:
    """Called when the run that holds the lock ends: print the message once and forget it."""
    path = root / FILE
    if path.exists():
        message = path.read_text(encoding="utf-8")
        path.unlink(missing_ok=True)
        print(f"medad: {message}", file=sys.stderr, flush=True)
