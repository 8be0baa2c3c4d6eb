"""Step ``stage1``: a trunk adapted to the shots of one draw."""

from __future__ import annotations

import hashlib

from medad.backbones import checkpoint
from medad.files import canonical_json, sha256
from medad.pretraining.session import Adapted, Session
from medad.resolve import attribute
from medad.task import Task


def run(task: Task) -> None:
    """Train ``params["implementation"]`` on input ``pairs``, starting from input ``weights``.

    Writes outputs ``weights`` (the adapted trunk) and ``events``. Progress is kept in the scratch
    folder, so that a killed step resumes.
    """
    train = attribute(str(task.params["implementation"]))
    # Batches do not depend on the method: methods are compared on the same draws.
    batch_seed = task.seed("batches", *(set(task.identity) - {"method"}))
    session = Session(
        attention_seed=task.seed("attention"),
        batch_seed=batch_seed,
        events=task.outputs["events"],
        live=task.live,
        partial=task.scratch / "partial.safetensors",
        fingerprint=_fingerprint(task),
        device=task.device,
        report=task.report,
    )
    start = checkpoint.load(task.inputs["weights"])
    adapted: Adapted = train(start, task.inputs["pairs"], task.params, session)
    checkpoint.save(task.outputs["weights"], adapted.trunk, adapted.facts)


def _fingerprint(task: Task) -> str:
    """Equal for attempts at the same result, so that no other partial training is resumed."""
    content = {
        "inputs": {name: sha256(path) for name, path in sorted(task.inputs.items())},
        "params": dict(task.params),
        "identity": dict(task.identity),
        "threads": task.threads,
        "device": task.device,
    }
    return hashlib.sha256(canonical_json(content)).hexdigest()
