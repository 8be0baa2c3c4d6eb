"""Kills a run at an exact moment. Python imports this file when PYTHONPATH names its folder.

MEDAD_FAULT is a JSON object: ``process``, a pattern of the command line of the process that
watches itself; ``event``, an audit event of Python, or "start"; ``argument``, a pattern of the
event's arguments; ``count``, at which match to act. The engine kills itself; a job kills the
engine that started it and itself, but at its start the engine alone: it is left an orphan.
"""

from __future__ import annotations

import json
import os
import re
import signal
import sys
import time


def _watch(process: str, event: str, argument: str = "", count: int = 1) -> None:
    command = " ".join(sys.orig_argv)
    if not re.search(process, command):
        return
    left = count

    def hook(name: str, arguments: tuple[object, ...]) -> None:
        nonlocal left
        if name != event or not re.search(argument, _text(name, arguments)):
            return
        left -= 1
        if left:
            return
        if name == "fcntl.ioctl":  # the file that is being written: leave it half done
            os.write(int(str(arguments[0])), b"half")
        _kill_engine()
        os.kill(os.getpid(), signal.SIGKILL)

    if event == "start":
        _kill_engine()
    else:
        sys.addaudithook(hook)


def _kill_engine() -> None:
    """Kill the engine of a job that still has it, and wait until it is gone."""
    engine = int(os.environ.get("MEDAD_ENGINE", 0))
    if engine and os.getppid() == engine:
        os.kill(engine, signal.SIGKILL)
        while os.getppid() == engine:
            time.sleep(0.01)


def _text(name: str, arguments: tuple[object, ...]) -> str:
    if name == "fcntl.ioctl":
        return os.readlink(f"/proc/self/fd/{arguments[0]}")
    return " ".join(str(argument) for argument in arguments)


if "MEDAD_FAULT" in os.environ:
    _watch(**json.loads(os.environ["MEDAD_FAULT"]))
