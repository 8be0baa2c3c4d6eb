"""Which attempts are at the same result, so that no other training's progress is resumed."""

from __future__ import annotations

import hashlib

from medad.files import canonical_json, sha256
from medad.task import Task


def fingerprint(task: Task) -> str:
    """Equal for attempts at the same result: inputs, parameters, identity, threads and device."""
    content = {
        "inputs": {name: sha256(path) for name, path in sorted(task.inputs.items())},
        "params": dict(task.params),
        "identity": dict(task.identity),
        "threads": task.threads,
        "device": task.device,
    }
    return hashlib.sha256(canonical_json(content)).hexdigest()
