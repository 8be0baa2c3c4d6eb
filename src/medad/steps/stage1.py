"""Step ``stage1``: a trunk adapted to the shots of one draw."""

from __future__ import annotations

import torch

from medad.backbones import checkpoint
from medad.backbones.resnet import Trunk
from medad.pretraining.session import Adapted, Session
from medad.resolve import attribute
from medad.steps.fingerprint import fingerprint
from medad.task import Task


def run(task: Task) -> None:
    """Train ``params["implementation"]`` on input ``pairs``, starting from input ``weights``.

    Writes outputs ``weights`` (the adapted trunk; the fact ``unchanged`` joins its own) and
    ``events``. Progress is kept in the scratch folder, so that a killed step resumes.
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
        fingerprint=fingerprint(task),
        device=task.device,
        report=task.report,
    )
    start = checkpoint.load(task.inputs["weights"])
    adapted: Adapted = train(start, task.inputs["pairs"], task.params, session)
    facts = {**adapted.facts, "unchanged": _unchanged(start, adapted.trunk)}
    checkpoint.save(task.outputs["weights"], adapted.trunk, facts)


def _unchanged(start: Trunk, trunk: Trunk) -> bool:
    """Whether ``trunk`` holds nothing but weights of ``start``: then all draws have the same."""
    before = start.state_dict()
    return all(
        name in before and torch.equal(tensor, before[name])
        for name, tensor in trunk.state_dict().items()
    )
