"""One job, one GPU: local jobs lease device numbers by file locks."""

from __future__ import annotations

import os
from pathlib import Path
from typing import IO

from medad.lineage.locks import try_lock


def devices() -> int:
    """How many NVIDIA devices the machine shows."""
    return len(list(Path("/dev").glob("nvidia[0-9]*")))


def lease(root: Path) -> IO[str] | None:
    """Lock a free device and show only it to this process; a cluster's own choice wins.

    Returns the lock to keep, or None when nothing was leased.
    """
    if "CUDA_VISIBLE_DEVICES" in os.environ:
        return None
    for number in range(devices()):
        held = try_lock(root / ".prov" / "gpu" / f"{number}.lock")
        if held is not None:
            os.environ["CUDA_VISIBLE_DEVICES"] = str(number)
            return held
    return None
