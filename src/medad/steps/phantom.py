"""Step: generate the phantom dataset as one zip of PNG files."""

from __future__ import annotations

from medad.data.phantom import PhantomSpec, generate, pack
from medad.files import write_bytes
from medad.task import Task


def run(task: Task) -> None:
    """Write ``images``: a zip with healthy/, anomalous/ and masks/."""
    spec = PhantomSpec(
        healthy=int(task.params["healthy"]),
        anomalous=int(task.params["anomalous"]),
        duplicates=int(task.params["duplicates"]),
        side=int(task.params["side"]),
        contrasts=task.params["contrasts"],
    )
    files = generate(spec, task.seed("phantom", "dataset"), task.report)
    write_bytes(task.outputs["images"], pack(files))
