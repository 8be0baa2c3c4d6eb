"""Seeds derived from what is drawn, never from global state."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping


def derive(root: int, identity: Mapping[str, str | int], purpose: str) -> int:
    """Seed in [0, 2**63) of one draw.

    ``root`` is the user's ``seed``, ``identity`` names the artifact drawn (dataset, split,
    replicate, ...) and ``purpose`` the draw within it. Equal arguments give equal seeds on every
    machine; the order of ``identity`` does not matter.
    """
    fields = [f"seed={root}", *(f"{key}={identity[key]}" for key in sorted(identity)), purpose]
    digest = hashlib.sha256("\x1f".join(fields).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1
