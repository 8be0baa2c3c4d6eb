"""Step: from a dataset's files to its index."""

from __future__ import annotations

from medad.data.account import account
from medad.data.catalog import listing
from medad.data.index import build
from medad.files import read_json, write_csv, write_json, write_parquet
from medad.resolve import attribute
from medad.task import Task


def run(task: Task) -> None:
    """Write ``index`` (one row per image), ``skipped`` (bad files left out) and ``listing``.

    ``counts`` says what became of every file.

    The files are those of the input ``listing``; without it, those of the ``images`` archive. They
    are written again, so that hashes of all files travel with the index.
    """
    root = task.locations["images"]
    if "listing" in task.inputs:
        files = read_json(task.inputs["listing"])["files"]
    else:
        files = listing(root)
    reader = attribute(task.params["implementation"])
    leakage = task.params["leakage"]
    entries = reader(sorted(files))
    index = build(
        root,
        files,
        entries,
        side=int(leakage["thumbnail"]),
        correlation=float(leakage["correlation"]),
        on_bad=str(task.params["on_bad"]),
        threads=task.threads,
        progress=task.report,
    )
    write_parquet(task.outputs["index"], index.columns)
    rows = [{"path": path, "reason": reason} for path, reason in index.skipped]
    write_csv(task.outputs["skipped"], ["path", "reason"], rows)
    write_json(task.outputs["listing"], {"files": files})
    write_json(task.outputs["counts"], account(files, entries, index.columns, index.skipped))
