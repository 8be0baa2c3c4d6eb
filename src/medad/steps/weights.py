"""Step ``weights``: one trunk before any adaptation."""

from __future__ import annotations

from dataclasses import replace

from medad.backbones import checkpoint
from medad.backbones import weights as sources
from medad.backbones.published import published
from medad.errors import MedadError
from medad.task import Task


def run(task: Task) -> None:
    """Write output ``weights`` from the kind that ``params["weights"]`` names.

    ``random`` is seeded; ``imagenet`` reads location ``source`` if given, else torch.hub's cache
    or the network; ``file`` reads input ``file``, pinned by ``params["sha256"]``. The trunk is to
    be given pixels of ``params["normalisation"]``.
    """
    name, kind = str(task.params["name"]), str(task.params["weights"])
    extra: dict[str, object] = {"source": kind}
    if kind == "random":
        trunk = sources.random(name, task.seed("weights"))
    elif kind == "imagenet":
        trunk = sources.imagenet(name, task.locations.get("source"))
        extra["file"] = published(name).file
    elif kind == "file":
        trunk = sources.from_file(name, task.inputs["file"], task.params.get("sha256"))
        extra["file"] = task.inputs["file"].name
    else:
        raise MedadError(f"backbone.weights: got {kind!r}, allowed random, imagenet or file")
    trunk.spec = replace(trunk.spec, normalisation=task.params["normalisation"])
    checkpoint.save(task.outputs["weights"], trunk, extra)
