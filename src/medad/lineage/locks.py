"""File locks that a killed process cannot leave behind, and dying with one's parent."""

from __future__ import annotations

import ctypes
import fcntl
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from medad.errors import MedadError

ENGINE = "MEDAD_ENGINE"  # process that starts jobs; it tells them its number


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold an exclusive lock; the kernel releases it with the process, however that ends."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def try_lock(path: Path) -> IO[str] | None:
    """The locked, open file (keep it), or None when another process holds it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    stream = path.open("a+")
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        stream.close()
        return None
    return stream


class Parent:
    """The process that started this one; work stops when it is gone.

    An orphan of a killed run must not overwrite what a newer run makes.
    """

    def __init__(self) -> None:
        # One that died before this process began has another process in its place.
        self.pid = int(os.environ.get(ENGINE, os.getppid()))

    def require(self) -> None:
        """MedadError when the parent has died."""
        if os.getppid() != self.pid:
            raise MedadError("the run that started this job has ended; nothing was written")

    def follow(self) -> None:
        """Die with the parent, at once on Linux and within a second elsewhere.

        MedadError when it is dead already.
        """
        if sys.platform == "linux":
            ctypes.CDLL(None, use_errno=True).prctl(1, signal.SIGKILL)
        self.require()
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        while os.getppid() == self.pid:
            time.sleep(1.0)
        os.kill(os.getpid(), signal.SIGKILL)
